"""From the events of one partition to one compact request: verdicts in order, then sums by minute.

Nothing here talks to a server: the same batch, watermarks and known ids give the same plan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ecommerce.events import Event, Reason, money_units
from ecommerce.live import keys
from ecommerce.shops import Shop

COUNTS = {
    "page_view": "page_views",
    "view_item": "item_views",
    "add_to_cart": "add_to_carts",
    "begin_checkout": "checkouts",
    "purchase": "orders",
}
"""Events that an additive measure counts."""


class Accepted(NamedTuple):
    """A valid event and the offset of its record."""

    offset: int
    event: Event


class Refusal(NamedTuple):
    """A record that is no valid event: why, and the shop-day in which that counts (None: no known shop)."""

    offset: int
    reason: Reason
    detail: str
    shop_id: str | None = None
    day: str | None = None


@dataclass
class Batch:
    """Records of one partition, in order: from stored offset ``first`` up to, not including, ``next``."""

    partition: int
    first: int
    next: int
    accepted: list[Accepted]
    refused: list[Refusal]
    reported: set[int] = field(default_factory=set)
    """Offsets whose refusal is safe already, kept over retries."""


@dataclass
class Known:
    """What Redis told about a batch: ids already counted, and transactions with the event that counted them."""

    ids: set[str] = field(default_factory=set)
    transactions: dict[tuple[str, str], str] = field(default_factory=dict)
    too_much: set[int] = field(default_factory=set)


class Counted(NamedTuple):
    """An event that counts, with its place in the partition and in time."""

    offset: int
    event: Event
    minute: int
    day: str
    hour: str


@dataclass
class Verdicts:
    """What became of each record of a batch: tallies by shop-day, the counted events, the new watermarks."""

    counted: list[Counted] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    tallies: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unattributed: Counter[str] = field(default_factory=Counter)
    watermarks: dict[str, int] = field(default_factory=dict)


class Judge:
    """Gives each event its verdict, in the partition's order."""

    def __init__(self, shops: Mapping[str, Shop]) -> None:
        self._clocks = {shop_id: keys.Clock(shop) for shop_id, shop in shops.items()}

    def verdicts(self, batch: Batch, watermarks: Mapping[str, int], known: Known) -> Verdicts:
        """The verdicts on ``batch``, given the partition's ``watermarks`` (microseconds by shop) before it."""
        found, tops = Verdicts(), dict(watermarks)
        ids, transactions = set(known.ids), dict(known.transactions)
        for offset, event in batch.accepted:
            shop_id, event_id = event.shop_id, event.event_id
            time = (event.event_time - keys.EPOCH) // keys.MICROSECOND
            minute = time // 60_000_000
            day, hour = self._clocks[shop_id].bucket(event.event_time, minute)
            tally = found.tallies[shop_id, day]
            tally["received"] += 1
            top = tops.get(shop_id)
            if top is not None and time < top - keys.LATE_MICROSECONDS:
                tally["late"] += 1
                continue
            if event_id in ids:
                tally["duplicates"] += 1
                continue
            refusal = _refusal(offset, event, transactions, known) if event.items else None
            if refusal:
                found.refused.append(Refusal(offset, *refusal, shop_id, day))
                tally[f"refused:{refusal[0]}"] += 1
                continue
            ids.add(event_id)
            if event.event_name == "purchase":
                transactions[shop_id, event.transaction_id] = event_id
            if top is None or time > top:
                tops[shop_id] = found.watermarks[shop_id] = time
            tally["counted"] += 1
            found.counted.append(Counted(offset, event, minute, day, hour))
        _count_refused(batch.refused, found)
        return found


def _refusal(offset: int, event: Event, transactions: Mapping[tuple[str, str], str], known: Known) -> tuple[Reason, str] | None:
    if offset in known.too_much:
        return Reason.BAD_MONEY, "with this amount the shop-day's sum would no longer fit 64 bits of 1/10,000"
    if event.event_name == "purchase":
        counted_by = transactions.get((event.shop_id, event.transaction_id))
        if counted_by is not None:
            return Reason.DUPLICATE_ORDER, f"transaction {event.transaction_id} was counted by event {counted_by}"
    return None


def _count_refused(refused: Iterable[Refusal], found: Verdicts) -> None:
    for refusal in refused:
        known_shop = refusal.shop_id is not None and refusal.day is not None
        tally = found.tallies[refusal.shop_id, refusal.day] if known_shop else found.unattributed
        tally["received"] += 1
        tally[f"refused:{refusal.reason}"] += 1


class Sums:
    """Sums and distinct ids of the counted events of one shop and minute; money in 1/10,000."""

    __slots__ = ("day", "hour", "places", "sessions", "steps", "values", "visitors")

    def __init__(self, day: str, hour: str) -> None:
        self.day, self.hour = day, hour
        self.values: Counter[str] = Counter()
        self.visitors: set[str] = set()
        self.sessions: set[str] = set()
        self.steps: dict[str, set[str]] = {}
        self.places: dict[tuple[str | None, ...], list[int]] = {}
        """Events, orders and gross revenue by (country, channel, device)."""


def fold(counted: Iterable[Counted]) -> dict[tuple[str, int], Sums]:
    """Sums by (shop_id, minute)."""
    groups: dict[tuple[str, int], Sums] = {}
    for _, event, minute, day, hour in counted:
        group = groups.get((event.shop_id, minute))
        if group is None:
            group = groups[event.shop_id, minute] = Sums(day, hour)
        name, values = event.event_name, group.values
        values["events"] += 1
        place = group.places.get(dimensions := (event.country, event.channel, event.device))
        if place is None:
            place = group.places[dimensions] = [0, 0, 0]
        place[0] += 1
        if measure := COUNTS.get(name):
            values[measure] += 1
        group.visitors.add(event.client_id)
        group.sessions.add(event.session_id)
        if name in keys.STEPS:
            group.steps.setdefault(name, set()).add(event.session_id)
        if name in ("purchase", "refund", "adjustment"):
            amounts = money_fields(event)
            for field_name, value in amounts.items():
                values[field_name] += value
            if name == "purchase":
                place[1] += 1
                place[2] += amounts["gross_revenue"]
    return groups


def money_fields(event: Event) -> dict[str, int]:
    """What a purchase, refund or adjustment adds, none of it negative: a negative adjustment has its own field."""
    gross = sum(money_units(item.price) * item.quantity for item in event.items)
    discounts = sum(money_units(item.discount) for item in event.items)
    if event.event_name == "refund":
        return {"refunds": gross - discounts}
    if event.event_name == "adjustment":
        return {"adjustments_up": gross} if gross >= 0 else {"adjustments_down": -gross}
    return {
        "units": sum(item.quantity for item in event.items),
        "gross_revenue": gross,
        "discounts": discounts,
        "tax": money_units(event.tax or "0"),
        "shipping": money_units(event.shipping or "0"),
    }
