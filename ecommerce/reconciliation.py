"""Live against batch: each measure of a shop-day beside the other, equal or explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

import psycopg
import redis

from ecommerce import archived_log, metrics
from ecommerce.config import settings
from ecommerce.events import Event
from ecommerce.live import LiveState
from ecommerce.live.aggregate import COUNTS, ORDER_EVENTS, money_fields
from ecommerce.live.snapshot import measures as snapshot_measures
from ecommerce.shops import Shop

STANDARD_ERRORS = 3
SHOWN = 20
"""Differing events that an explanation names."""


@dataclass(frozen=True)
class Comparison:
    """One measure of a shop-day, live and batch, in the measure's unit; ``explanation`` says why they may differ."""

    measure: str
    live: Decimal
    batch: Decimal
    agrees: bool
    explanation: str = ""


Amounts = dict[str, Decimal]
"""What events add to each additive measure, in the measure's unit."""


@dataclass(frozen=True)
class Archived:
    """What the archive of a shop-day says: sums as live counts them, sums as the batch does, and the rows that differ."""

    live: Amounts
    batch: Amounts
    differing: tuple[str, ...]


def compare(
    snapshot: Mapping[str, Any], measures: Mapping[str, Any], archived: Callable[[], Archived | None] = lambda: None
) -> list[Comparison]:
    """Each measure that both sides have.

    Additive measures must be equal. Distinct counts are estimates while live: they agree within three
    standard errors of the HyperLogLog, and within one where the count is that small. A difference is explained where
    rows of the archive make it up exactly; ``archived`` is asked only when something differs.
    """
    found = []
    for name in (*metrics.ADDITIVE, *metrics.DISTINCT):
        live = snapshot["measures"].get(name, snapshot["estimates"].get(name))
        if live is None or measures.get(name) is None:
            continue
        live, batch = Decimal(str(live)), Decimal(str(measures[name]))
        off = 0 if name in metrics.ADDITIVE else max(1, ceil(batch * Decimal(STANDARD_ERRORS * metrics.HLL_STANDARD_ERROR)))
        found.append(Comparison(name, live, batch, abs(live - batch) <= off))
    rows = None if all(one.agrees for one in found) else archived()
    return [one if one.agrees else replace(one, explanation=_explained(one, rows)) for one in found]


def _explained(one: Comparison, rows: Archived | None) -> str:
    """Why ``one`` differs; empty where the archive's rows do not make it up."""
    if rows is None:
        return ""
    if one.measure in metrics.DISTINCT:
        return "" if not rows.differing else f"beyond the estimate's error: {_listed(rows.differing)}"
    if one.live != rows.live.get(one.measure, 0):
        return ""
    if one.batch == rows.batch.get(one.measure, 0):
        return _listed(rows.differing)
    return "replayed: the live figure is that of the events that came through Kafka; the batch read another source"


def _listed(rows: Sequence[str]) -> str:
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"{len(rows)} events: {'; '.join(rows[:SHOWN])}{more}"


def from_archive(
    root: Path, shop: Shop, day: date, late: Collection[tuple[int, int]], refused: Collection[tuple[int, int]] = ()
) -> Archived | None:
    """The archive of ``day`` summed both ways; None where it holds nothing.

    ``late`` are the (partition, offset) that live counted as late, ``refused`` those that the batch refused.
    """
    live, batch = _Side(), _Side()
    differing = []
    seen = False
    for number, offset, event in archived_log.day_events(root, shop.shop_id, day):
        seen = True
        counted_live = (number, offset) not in late and live.counts(event)
        counted_batch = (number, offset) not in refused and batch.counts(event)
        if counted_live != counted_batch:
            why = "late" if (number, offset) in late else "refused" if (number, offset) in refused else "another event of its order counts"
            differing.append(f"{event.event_name} {event.event_id} at {number}/{offset} ({why})")
    return Archived(live.sums(), batch.sums(), tuple(differing)) if seen else None


class _Side:
    """Counts events in the log's order: each id once, each order once."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._orders: set[str] = set()
        self._units: Counter[str] = Counter()

    def counts(self, event: Event) -> bool:
        order = event.transaction_id if event.event_name == "purchase" else None
        if event.event_id in self._ids or order in self._orders:
            return False
        self._ids.add(event.event_id)
        if order is not None:
            self._orders.add(order)
        if measure := COUNTS.get(event.event_name):
            self._units[measure] += 1
        if event.event_name in ORDER_EVENTS:
            self._units.update(money_fields(event))
        return True

    def sums(self) -> Amounts:
        return {name: Decimal(str(value)) for name, value in snapshot_measures(self._units).items()}


def reconcile(shop: Shop, day: date, run_id: str, measures: Mapping[str, Any]) -> list[Comparison]:
    """Compare ``day``'s batch ``measures`` of ``run_id`` with its live state and store the result in the warehouse.

    Returns:
        The comparisons; none where nothing of the day was counted live.

    Raises:
        redis.RedisError, psycopg.Error: a store does not answer.
    """
    state = LiveState(redis.Redis(**settings().redis_options))
    snapshot = state.snapshot(shop, day)

    def archived() -> Archived | None:
        return from_archive(settings().lake_dir, shop, day, state.late(shop, day), _refused(run_id, day))

    found = compare(snapshot, measures, archived) if snapshot["totals"]["counted"] else []
    rows = [(shop.shop_id, day, one.measure, one.live, one.batch, one.agrees, one.explanation, run_id) for one in found]
    insert = """
        INSERT INTO warehouse.reconciliation (shop_id, date, measure, live, batch, agrees, explanation, run_id)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
    with psycopg.connect(settings().postgres_dsn("loader")) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM warehouse.reconciliation WHERE shop_id = %s AND date = %s", (shop.shop_id, day))
        cursor.executemany(insert, rows)
    return found


def _refused(run_id: str, day: date) -> set[tuple[int, int]]:
    """Partition and offset of the archived events that the batch refused, second events of an order apart: those live refuses, too."""
    query = (
        "SELECT file, line FROM warehouse.quarantine "
        "WHERE run_id = %s AND date = %s AND file LIKE 'kafka/%%' AND reason NOT LIKE 'duplicate_order%%'"
    )
    with psycopg.connect(settings().postgres_dsn("loader")) as connection:
        return {(int(file.removeprefix("kafka/")), line) for file, line in connection.execute(query, (run_id, day))}
