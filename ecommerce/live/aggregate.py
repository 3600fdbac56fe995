"""From the events of one partition to one compact request: verdicts in order, then sums by minute.

Nothing here talks to a server: the same batch, watermarks and known ids give the same plan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
ORDER_EVENTS = ("purchase", "refund", "adjustment")

FIRST = datetime.min.replace(tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = timedelta(microseconds=keys.LATE_MICROSECONDS)


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


class Group:
    """The counted events of one shop and minute, and the offsets of their records, in the partition's order."""

    __slots__ = ("day", "events", "hour", "minute", "offsets", "shop_id")

    def __init__(self, shop_id: str, minute: int, day: str, hour: str) -> None:
        self.shop_id, self.minute, self.day, self.hour = shop_id, minute, day, hour
        self.offsets: list[int] = []
        self.events: list[Event] = []


@dataclass
class Verdicts:
    """What became of each record of a batch: tallies by shop-day, the counted events, the new watermarks."""

    counted: list[Group] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    tallies: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unattributed: Counter[str] = field(default_factory=Counter)
    late: list[tuple[int, Event, str]] = field(default_factory=list)
    """Offset, event and shop-day of what came too late to count."""
    watermarks: dict[str, int] = field(default_factory=dict)


class _Here:
    """Where the events of one shop in one batch have got to: the highest time counted, and the minute of the last one."""

    __slots__ = ("begin", "end", "group", "tally", "top")

    def __init__(self, top: datetime) -> None:
        self.top = top
        self.begin = self.end = FIRST


class Judge:
    """Gives each event its verdict, in the partition's order."""

    def __init__(self, shops: Mapping[str, Shop]) -> None:
        self._clocks = {shop_id: keys.Clock(shop) for shop_id, shop in shops.items()}

    def verdicts(self, batch: Batch, watermarks: Mapping[str, int], known: Known) -> Verdicts:
        """The verdicts on ``batch``, given the partition's ``watermarks`` (microseconds by shop) before it."""
        found, groups = Verdicts(), {}
        places = {shop_id: _Here(keys.EPOCH + top * keys.MICROSECOND) for shop_id, top in watermarks.items()}
        ids, transactions = set(known.ids), dict(known.transactions)
        for offset, event in batch.accepted:
            time = event.event_time
            here = places.get(event.shop_id)
            if here is None:
                here = places[event.shop_id] = _Here(FIRST)
            if not here.begin <= time < here.end:
                self._enter(here, event.shop_id, time, groups, found)
            if time < here.top and here.top - time > LATE:
                here.tally["late"] += 1
                found.late.append((offset, event, here.group.day))
                continue
            event_id = event.event_id
            counted_by = transactions.get((event.shop_id, event.transaction_id)) if event.event_name == "purchase" else None
            if event_id in ids or event_id == counted_by:
                here.tally["duplicates"] += 1
                continue
            if event.items:
                refusal = _refusal(offset, event, counted_by, known)
                if refusal:
                    found.refused.append(Refusal(offset, *refusal, event.shop_id, here.group.day))
                    here.tally[f"refused:{refusal[0]}"] += 1
                    continue
                if event.event_name == "purchase":
                    transactions[event.shop_id, event.transaction_id] = event_id
            ids.add(event_id)
            if time > here.top:
                here.top = time
            here.group.offsets.append(offset)
            here.group.events.append(event)
        self._conclude(batch, watermarks, places, groups, found)
        return found

    def _enter(self, here: _Here, shop_id: str, time: datetime, groups: dict[tuple[str, int], Group], found: Verdicts) -> None:
        """Turn to the minute of ``time``."""
        minute = keys.minute_of(time)
        here.begin = keys.minute_start(minute)
        here.end = here.begin + MINUTE
        day, hour = self._clocks[shop_id].bucket(time, minute)
        here.tally = found.tallies[shop_id, day]
        here.group = groups.get((shop_id, minute)) or groups.setdefault((shop_id, minute), Group(shop_id, minute, day, hour))

    @staticmethod
    def _conclude(
        batch: Batch, watermarks: Mapping[str, int], places: dict[str, _Here], groups: dict[tuple[str, int], Group], found: Verdicts
    ) -> None:
        """Watermarks that moved, the groups that have events, and what was received: the sum of all verdicts."""
        for shop_id, here in places.items():
            if here.top > FIRST and (top := keys.microseconds(here.top)) != watermarks.get(shop_id):
                found.watermarks[shop_id] = top
        found.counted = [group for group in groups.values() if group.events]
        for group in found.counted:
            found.tallies[group.shop_id, group.day]["counted"] += len(group.events)
        for tally in found.tallies.values():
            tally["received"] = tally.total()
        _count_refused(batch.refused, found)


def _refusal(offset: int, event: Event, counted_by: str | None, known: Known) -> tuple[Reason, str] | None:
    if offset in known.too_much:
        return Reason.BAD_MONEY, "with this amount the shop-day's sum would no longer fit 64 bits of 1/10,000"
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

    __slots__ = ("day", "hour", "named", "places", "sessions", "steps", "values", "visitors")

    def __init__(self, day: str, hour: str) -> None:
        self.day, self.hour = day, hour
        self.values: Counter[str] = Counter()
        self.named: dict[str, list[Event]] = defaultdict(list)
        self.visitors: set[str] = set()
        self.sessions: set[str] = set()
        self.steps: dict[str, set[str]] = {}
        self.places: dict[tuple[str | None, ...], list[int]] = {}
        """Events, orders and gross revenue by (country, channel, device)."""

    def of(self, *names: str) -> list[Event]:
        """The events with these names."""
        return [event for name in names if name in self.named for event in self.named[name]]


def fold(counted: Iterable[Group]) -> dict[tuple[str, int], Sums]:
    """Sums by (shop_id, minute)."""
    return {(group.shop_id, group.minute): _sums(group) for group in counted}


def _sums(group: Group) -> Sums:
    events, sums = group.events, Sums(group.day, group.hour)
    for event in events:
        sums.named[event.event_name].append(event)
    values, named = sums.values, sums.named
    values["events"] = len(events)
    values.update({measure: len(named[name]) for name, measure in COUNTS.items() if name in named})
    sums.visitors = {event.client_id for event in events}
    sums.sessions = {event.session_id for event in events}
    sums.steps = {name: {event.session_id for event in named[name]} for name in keys.STEPS if name in named}
    places = Counter([(event.country, event.channel, event.device) for event in events])
    sums.places = {place: [count, 0, 0] for place, count in places.items()}
    for event in sums.of(*ORDER_EVENTS):
        amounts = money_fields(event)
        values.update(amounts)
        if event.event_name == "purchase":
            place = sums.places[event.country, event.channel, event.device]
            place[1] += 1
            place[2] += amounts["gross_revenue"]
    return sums


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
