"""The one Redis call of a batch: every key, field and delta that apply.lua checks and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC
from typing import Any

import msgpack
import msgspec

from ecommerce.events import Event, money_text, money_units
from ecommerce.live import keys
from ecommerce.live.aggregate import ORDER_EVENTS, Batch, Group, Sums, Verdicts, fold

LATEST = {"orders": 20, "activity": 20}
SAMPLED = {"orders": 20, "activity": 5}
NEWS = {"orders": ORDER_EVENTS, "activity": ("add_to_cart", "view_item", "begin_checkout")}
SEEN_DAYS = 2
"""Two times within 48 h of each other lie at most two UTC days apart."""


def build(names: keys.Keys, writer: str, batch: Batch, verdicts: Verdicts, now: float, past: bool = False) -> bytes:
    """The packed argument of apply.lua; ``now`` is the wall clock in seconds since 1970.

    Events of the ``past`` do not show in the present's rate and lag, and nobody is told of them.

    Deltas and offsets are decimal strings: a Lua number is a double. Ids are 16 raw bytes.
    """
    groups = fold(verdicts.counted)
    at = int(now)
    request = {
        "partition": names.partition(batch.partition),
        "writer": writer,
        "first": str(batch.first),
        "next": str(batch.next),
        "watermarks": [text for shop_id, top in verdicts.watermarks.items() for text in (f"wm:{shop_id}", str(top))],
        "seen": _seen(names, verdicts.counted, at),
        "transactions": _transactions(names, groups, at),
        "days": _days(names, verdicts, groups, at),
        "add": [*_unattributed(names, verdicts, at), *_hours(names, groups, at), *_minutes(names, groups, at)],
        "distinct": [*_distinct(names, groups, at), *_active(names, groups, at)],
        "rank": [],
        "put": [],
        "breakdown": _breakdown(names, groups, at),
        "max_values": keys.MAX_VALUES,
        "other": keys.OTHER,
        "latest": [*_latest(names, groups, at), *_late(names, batch.partition, verdicts, at)],
        "newest": _newest(names, verdicts.counted, now, past),
        "rate": [] if past else _rate(names, verdicts, at),
        "publish": [] if past else sorted({shop_id for shop_id, _ in verdicts.tallies}),
        "channel": keys.CHANNEL,
    }
    _products(names, groups, at, request)
    return msgpack.packb(request, use_bin_type=False)


def raw_ids(event_ids: list[str]) -> list[bytes]:
    """The 16 bytes of each of some UUIDs in text."""
    raw = bytes.fromhex("".join(event_ids).replace("-", ""))
    return [raw[start : start + 16] for start in range(0, len(raw), 16)]


def _flat(values: dict[str, int]) -> list[str]:
    return [text for name, value in values.items() if value for text in (name, str(value))]


def _around(day: int) -> range:
    return range(day - SEEN_DAYS, day + SEEN_DAYS + 1)


def _seen(names: keys.Keys, counted: Iterable[Group], at: int) -> list[dict[str, Any]]:
    by_day: dict[int, list[str]] = defaultdict(list)
    for group in counted:
        by_day[group.minute // 1440] += [event.event_id for event in group.events]
    return [
        {"add": names.seen(day), "check": [names.seen(d) for d in _around(day)], "ids": raw_ids(ids), "until": at + keys.KEEP_SEEN}
        for day, ids in by_day.items()
    ]


def _transactions(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[dict[str, Any]]:
    by_day: dict[tuple[str, int], list[str | bytes]] = defaultdict(list)
    for (shop_id, minute), group in groups.items():
        for event in group.of("purchase"):
            by_day[shop_id, minute // 1440] += [event.transaction_id, *raw_ids([event.event_id])]
    return [
        {
            "shop": shop_id,
            "add": names.transactions(shop_id, day),
            "check": [names.transactions(shop_id, d) for d in _around(day)],
            "fields": pairs[::2],
            "pairs": pairs,
            "until": at + keys.KEEP_SEEN,
        }
        for (shop_id, day), pairs in by_day.items()
    ]


def _days(names: keys.Keys, verdicts: Verdicts, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    sums: dict[tuple[str, str], dict[str, int]] = {place: dict(tally) for place, tally in verdicts.tallies.items()}
    for (shop_id, _), group in groups.items():
        day = sums[shop_id, group.day]
        for name, value in group.values.items():
            day[name] = day.get(name, 0) + value
    return [[names.day(shop_id, day), at + keys.KEEP_DAY, _flat(values)] for (shop_id, day), values in sums.items()]


def _unattributed(names: keys.Keys, verdicts: Verdicts, at: int) -> list[list]:
    values = _flat(verdicts.unattributed)
    return [[names.unattributed(), at + keys.KEEP_DAY, values]] if values else []


def _hours(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (shop_id, _), group in groups.items():
        for name, value in group.values.items():
            sums[shop_id, group.day][f"{group.hour}:{name}"] += value
    return [[names.hours(shop_id, day), at + keys.KEEP_DAY, _flat(values)] for (shop_id, day), values in sums.items()]


def _minutes(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    return [[names.minute(shop_id, minute), at + keys.KEEP_MINUTE, _flat(group.values)] for (shop_id, minute), group in groups.items()]


def _breakdown(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    """For each dimension and shop-day: value, events, orders, gross revenue, one after the other."""
    sums: dict[tuple[str, str, str], dict[str, list[int]]] = defaultdict(dict)
    for (shop_id, _), group in groups.items():
        for values, counts in group.places.items():
            for dimension, value in zip(keys.DIMENSIONS, values, strict=True):
                known = sums[dimension, shop_id, group.day].setdefault(value or keys.NOT_SET, [0, 0, 0])
                known[:] = map(int.__add__, known, counts)
    return [
        [names.breakdown(*place), at + keys.KEEP_DAY, [text for value, counts in by_value.items() for text in (value, *map(str, counts))]]
        for place, by_value in sums.items()
    ]


def _distinct(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    members: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for (shop_id, _), group in groups.items():
        members["visitors", shop_id, group.day] |= group.visitors
        members["sessions", shop_id, group.day] |= group.sessions
        for step, sessions in group.steps.items():
            members[step, shop_id, group.day] |= sessions
    return [[names.distinct(*place), at + keys.KEEP_DAY, list(values)] for place, values in members.items()]


def _active(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    """Visitors and sessions of the minutes that still count as now."""
    oldest = at // 60 - keys.WINDOW_MINUTES
    return [
        [names.active(what, shop_id, minute), at + keys.KEEP_ACTIVE, list(values)]
        for (shop_id, minute), group in groups.items()
        if minute >= oldest
        for what, values in (("visitors", group.visitors), ("sessions", group.sessions))
    ]


def _products(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int, request: dict[str, Any]) -> None:
    """Units and gross revenue of each product sold; the rank is for ordering alone, the hash is exact."""
    sold: dict[tuple[str, str], dict[str, list]] = defaultdict(dict)
    for (shop_id, _), group in groups.items():
        for item in [item for event in group.of("purchase") for item in event.items]:
            product = sold[shop_id, group.day].setdefault(item.item_id, [0, 0, None])
            product[0] += item.quantity
            product[1] += money_units(item.price) * item.quantity
            product[2] = item.item_name or product[2]
    until = at + keys.KEEP_PRODUCTS
    for place, products in sold.items():
        rank = [text for item_id, product in products.items() for text in (str(product[1]), item_id)]
        request["rank"].append([names.products("rank", *place), until, rank])
        for what, index in (("units", 0), ("gross", 1)):
            deltas = _flat({item_id: product[index] for item_id, product in products.items()})
            if deltas:
                request["add"].append([names.products(what, *place), until, deltas])
        titles = [text for item_id, product in products.items() if product[2] for text in (item_id, product[2])]
        if titles:
            request["put"].append([names.products("name", *place), until, titles])


def _latest(names: keys.Keys, groups: dict[tuple[str, int], Sums], at: int) -> list[list]:
    """The newest orders of the batch and a few of its other events."""
    chosen: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for (shop_id, _), group in groups.items():
        for what, wanted in NEWS.items():
            for name in wanted:
                if name in group.named:
                    chosen[what, shop_id, group.day] += group.named[name][-SAMPLED[what] :]
    return [
        [names.latest(*place), at + keys.KEEP_DAY, LATEST[place[0]], [_entry(event) for event in _newest_of(events, SAMPLED[place[0]])]]
        for place, events in chosen.items()
    ]


def _newest_of(events: list[Event], count: int) -> list[Event]:
    return sorted(events, key=lambda event: event.event_time)[-count:]


def _late(names: keys.Keys, partition: int, verdicts: Verdicts, at: int) -> list[list]:
    """Where the late events of each shop-day stand in the log; the newest of very many."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for offset, event, day in verdicts.late:
        places[event.shop_id, day].append(f"{partition}:{offset}")
    return [[names.late(*place), at + keys.KEEP_DAY, keys.KEPT_LATE, texts] for place, texts in places.items()]


def _entry(event: Event) -> bytes:
    value = sum(money_units(item.price) * item.quantity - money_units(item.discount) for item in event.items)
    return msgspec.json.encode({
        "event_name": event.event_name,
        "event_time": event.event_time.astimezone(UTC),
        "transaction_id": event.transaction_id,
        "item_name": event.items[0].item_name or event.items[0].item_id if event.items else None,
        "items": len(event.items),
        "quantity": sum(item.quantity for item in event.items),
        "value": money_text(value) if event.items else None,
        "country": event.country,
        "channel": event.channel,
        "device": event.device,
    })  # fmt: skip


def _newest(names: keys.Keys, counted: Iterable[Group], now: float, past: bool) -> list[list]:
    """Per shop-day the highest event time (milliseconds) and, unless ``past``, how long that event took to get here."""
    last = {(group.shop_id, group.day): group for group in sorted(counted, key=lambda group: group.minute)}
    tops = {place: keys.microseconds(max(event.event_time for event in group.events)) // 1000 for place, group in last.items()}
    return [[names.day(*place), str(top), *([] if past else [str(int(now * 1000) - top)])] for place, top in tops.items()]


def _rate(names: keys.Keys, verdicts: Verdicts, at: int) -> list[list]:
    received: dict[str, int] = defaultdict(int)
    for (shop_id, _), tally in verdicts.tallies.items():
        received[shop_id] += tally["received"]
    return [[names.rate(shop_id, at), at + keys.KEEP_RATE, str(count)] for shop_id, count in received.items()]
