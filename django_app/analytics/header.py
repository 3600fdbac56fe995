"""The header that all pages share: shop, days, comparison, grain. Every choice is a link that keeps the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from analytics import ranges
from analytics.ranges import Days, Selection
from ecommerce.shops import Shop


@dataclass(frozen=True)
class Choice:
    """An entry of a menu: its title, a second part at the end, the address's parameters, whether it holds now."""

    title: str
    end: str | Days
    address: str
    current: bool


def address(shop: Shop, selection: Selection) -> str:
    """The parameters that show the same days of the same shop on any page."""
    return urlencode({"shop": shop.shop_id} | selection.query)


def header(shops: list[Shop], shop: Shop, selection: Selection) -> dict[str, Any]:
    """Context of the header, and ``address``, which every link between pages carries."""
    today = shop.today()

    def to(**other: Any) -> str:
        return address(shop, replace(selection, **other))

    # An hour of a day is no grain of a longer range: what a range of its own grain asks is forgotten with the range.
    grain = "" if selection.asked_grain == "hour" else selection.asked_grain
    return {
        "shop": shop,
        "today": today,
        "selection": selection,
        "address": address(shop, selection),
        "shops": [
            Choice(one.name, f"{one.currency} · {one.time_zone}", address(one, selection), one.shop_id == shop.shop_id) for one in shops
        ],
        "ranges": [
            Choice(title, of(today), to(name=name, days=of(today), asked_grain=grain), name == selection.name)
            for name, (title, of) in ranges.NAMED.items()
        ],
        "comparisons": [Choice(title, "", to(compare=name), name == selection.compare) for name, title in ranges.COMPARISONS.items()],
        "grains": [Choice(ranges.GRAINS[name], "", to(asked_grain=name), name == selection.grain) for name in selection.grains()],
    }
