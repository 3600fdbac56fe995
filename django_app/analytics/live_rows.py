"""The Live page's tables: a snapshot's rows with their texts. live.js writes the same texts from then on."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from analytics import formats
from analytics.live_compare import Comparison
from ecommerce.shops import Shop

ICONS = {
    "purchase": "bag",
    "refund": "back",
    "adjustment": "flat",
    "add_to_cart": "cart",
    "remove_from_cart": "x",
    "begin_checkout": "card",
}
WHAT = {
    "purchase": "Order of {items}",
    "refund": "Refund of {items}",
    "adjustment": "Adjustment",
    "add_to_cart": "{name} added to cart",
    "remove_from_cart": "{name} removed from cart",
    "begin_checkout": "Checkout begun, {items}",
    "view_item": "{name} viewed",
    "view_item_list": "List of products viewed",
    "page_view": "Page viewed",
}


@dataclass(frozen=True)
class Cell:
    """A number as text and as the exact value that a chart and the CSV read; "" is a gap."""

    text: str = ""
    exact: str = ""


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[Cell, ...]
    state: str = "final"


def count(value: int) -> Cell:
    """A whole number, as text and exact."""
    return Cell(formats.count(value), str(value))


def money(value: Decimal | str | None, shop: Shop) -> Cell:
    """An amount, as text and exact; empty where it is not known yet."""
    return Cell() if value is None else Cell(formats.money(Decimal(value), shop.currency), str(value))


def hours(totals: list[Decimal | None], now: datetime, compared: Comparison | None, shop: Shop) -> list[Row]:
    """24 rows: the day's running total at the end of each hour, and last week's where it is known."""
    rows = []
    for hour, total in enumerate(totals):
        before = (money(compared.hours[hour], shop),) if compared else ()
        rows.append(Row(f"{hour:02d}:00", (money(total, shop), *before), "live" if hour == now.hour else "final"))
    return rows


def minutes(snapshot: dict[str, Any], shop: Shop, measure: str) -> list[Row]:
    """60 rows of ``measure`` ("events" or "net_revenue"), oldest first; the last minute is not over."""
    last = len(snapshot["minutes"]) - 1
    rows = []
    for index, row in enumerate(snapshot["minutes"]):
        at = datetime.fromisoformat(row["minute"]).astimezone(shop.zone)
        cell = count(row[measure]) if measure == "events" else money(row[measure], shop)
        rows.append(Row(f"{at:%H:%M}", (cell,), "live" if index == last else "final"))
    return rows


def products(snapshot: dict[str, Any], shop: Shop) -> list[dict[str, Any]]:
    """The day's products of most gross revenue, with ``width`` in per cent of the first."""
    found = snapshot["top_products"]
    most = max((Decimal(row["gross_revenue"]) for row in found), default=Decimal(0))
    return [
        row
        | {
            "units": count(row["units"]),
            "amount": money(row["gross_revenue"], shop),
            "width": f"{Decimal(row['gross_revenue']) / most * 100:.1f}%" if most else "0%",
        }
        for row in found
    ]


def _items(count: int | None) -> str:
    return "1 item" if count == 1 else f"{count or 0} items"


def happening(snapshot: dict[str, Any], shop: Shop) -> list[dict[str, str]]:
    """The newest events, newest first: time, icon, kind, what, sub and amount."""
    rows = []
    for event in snapshot["latest"]:
        name = event["event_name"]
        value = Decimal(event["value"]) if event.get("value") else None
        rows.append(
            {
                "at": event["event_time"],
                "time": f"{datetime.fromisoformat(event['event_time']).astimezone(shop.zone):%H:%M:%S}",
                "icon": ICONS.get(name, "eye"),
                "kind": name if name in ("purchase", "refund") else "other",
                "what": WHAT.get(name, name).format(items=_items(event.get("items")), name=event.get("item_name") or "Product"),
                "sub": " · ".join(event[part] for part in ("country", "channel", "device") if event.get(part)),
                "amount": formats.money(-value if name == "refund" else value, shop.currency) if value else "",
            }
        )
    return rows


def ledger(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Where the received events went, each a cell; ``reasons`` names the refusals, ``adds_up`` says that the parts are the whole."""
    totals = snapshot["totals"]
    parts = {name: totals[name] for name in ("counted", "duplicates", "late")} | {"refused": sum(totals["refused"].values())}
    reasons = " · ".join(f"{reason} {formats.count(number)}" for reason, number in sorted(totals["refused"].items()))
    cells = {name: count(number) for name, number in (parts | {"received": totals["received"]}).items()}
    return cells | {"reasons": reasons, "adds_up": sum(parts.values()) == totals["received"]}


def stream(snapshot: dict[str, Any], shop: Shop) -> dict[str, str]:
    """The stream's figures as texts; the delay to the screen is known only there."""
    last = snapshot["last_event_at"]
    return {
        "rate": formats.number(snapshot["events_per_second"], 1),
        "last": f"{datetime.fromisoformat(last).astimezone(shop.zone):%H:%M:%S}" if last else formats.UNKNOWN,
        "visitors": formats.count(snapshot["now"]["visitors"]),
        "sessions": formats.count(snapshot["now"]["sessions"]),
    }
