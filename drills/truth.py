"""What the live state must say, recounted from the acknowledged records with decimals and sets and none of its code."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from drills.traffic import Acked
from ecommerce.shops import shops

LATE = timedelta(hours=48)
COUNTED = {
    "page_view": "page_views",
    "view_item": "item_views",
    "add_to_cart": "add_to_carts",
    "begin_checkout": "checkouts",
    "purchase": "orders",
}
MONEY = ("gross_revenue", "discounts", "refunds", "adjustments", "net_revenue", "tax", "shipping")


@dataclass
class Day:
    """One shop-day: totals, additive measures (money as Decimal), and the sets behind the estimates."""

    totals: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    measures: dict[str, Decimal | int] = field(default_factory=lambda: defaultdict(int, {name: Decimal(0) for name in MONEY}))
    distinct: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class Truth:
    """The recount. Records of one partition must come in the order of their offsets; partitions may mix."""

    def __init__(self) -> None:
        self.days: dict[tuple[str, str], Day] = defaultdict(Day)
        self.unattributed: Counter[str] = Counter()
        self.refused: dict[tuple[int, int], tuple[str, bytes]] = {}
        self.records = 0
        self._ids: set[str] = set()
        self._orders: set[tuple[str, str]] = set()
        self._newest: dict[tuple[int, str], datetime] = {}
        self._next: Counter[int] = Counter()

    def add(self, records: Iterable[Acked]) -> Truth:
        """Count ``records`` too.

        Raises:
            ValueError: a record comes before one with a lower offset.
        """
        for record in records:
            if record.offset < self._next[record.partition]:
                raise ValueError(f"the acknowledgement log is out of order at partition {record.partition} offset {record.offset}")
            self._next[record.partition] = record.offset + 1
            self.records += 1
            self._refuse(record) if record.refusal else self._judge(record)
        return self

    def _refuse(self, record: Acked) -> None:
        reason, shop_id, day = record.refusal
        self.refused[record.partition, record.offset] = reason, record.value
        if not shop_id:
            self.unattributed[reason] += 1
            return
        arrival = datetime.fromtimestamp(record.timestamp / 1000, UTC).astimezone(_zone(shop_id)).date().isoformat()
        found = self.days[shop_id, day or arrival]
        found.totals["received"] += 1
        found.refused[reason] += 1

    def _judge(self, record: Acked) -> None:
        event = json.loads(record.value)
        shop_id, at = event["shop_id"], datetime.fromisoformat(event["event_time"])
        day = self.days[shop_id, local_day(shop_id, event["event_time"][:16])]
        day.totals["received"] += 1
        newest = self._newest.get((record.partition, shop_id))
        if newest is not None and at < newest - LATE:
            day.totals["late"] += 1
        elif event["event_id"] in self._ids:
            day.totals["duplicates"] += 1
        elif event["event_name"] == "purchase" and (shop_id, event["transaction_id"]) in self._orders:
            self.refused[record.partition, record.offset] = "duplicate_order", record.value
            day.refused["duplicate_order"] += 1
        else:
            self._newest[record.partition, shop_id] = at if newest is None else max(at, newest)
            self._ids.add(event["event_id"])
            self._count(day, event)

    def _count(self, day: Day, event: dict) -> None:
        name, measures = event["event_name"], day.measures
        day.totals["counted"] += 1
        day.distinct["visitors"].add(event["client_id"])
        day.distinct["sessions"].add(event["session_id"])
        if name in COUNTED:
            measures[COUNTED[name]] += 1
        if name == "add_to_cart":
            day.distinct["sessions_with_cart"].add(event["session_id"])
        if name not in ("purchase", "refund", "adjustment"):
            return
        gross = sum((Decimal(item["price"]) * item["quantity"] for item in event["items"]), Decimal(0))
        discount = sum((Decimal(item.get("discount", "0")) for item in event["items"]), Decimal(0))
        if name == "purchase":
            self._orders.add((event["shop_id"], event["transaction_id"]))
            day.distinct["sessions_with_order"].add(event["session_id"])
            measures["units"] += sum(item["quantity"] for item in event["items"])
            measures["gross_revenue"] += gross
            measures["discounts"] += discount
            measures["tax"] += Decimal(event.get("tax") or 0)
            measures["shipping"] += Decimal(event.get("shipping") or 0)
            measures["net_revenue"] += gross - discount
        elif name == "refund":
            measures["refunds"] += gross - discount
            measures["net_revenue"] -= gross - discount
        else:
            measures["adjustments"] += gross
            measures["net_revenue"] += gross


@cache
def _zone(shop_id: str) -> ZoneInfo:
    return ZoneInfo(shops()[shop_id].time_zone)


@lru_cache(maxsize=200_000)
def local_day(shop_id: str, minute: str) -> str:
    """The shop-day of ``minute``, YYYY-MM-DDTHH:MM in UTC."""
    return datetime.fromisoformat(minute + "+00:00").astimezone(_zone(shop_id)).date().isoformat()
