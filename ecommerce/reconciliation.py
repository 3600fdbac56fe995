"""Live against batch: each measure of a shop-day beside the other, equal or explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any

import psycopg
import redis

from ecommerce import metrics
from ecommerce.config import settings
from ecommerce.live import LiveState
from ecommerce.shops import Shop

STANDARD_ERRORS = 3


@dataclass(frozen=True)
class Comparison:
    """One measure of a shop-day, live and batch, in the measure's unit; ``explanation`` says why they may differ."""

    measure: str
    live: Decimal
    batch: Decimal
    agrees: bool
    explanation: str = ""


def compare(snapshot: Mapping[str, Any], measures: Mapping[str, Any]) -> list[Comparison]:
    """Each measure that both sides have.

    Additive measures must be equal. Distinct counts are estimates while live: they agree within three
    standard errors of the HyperLogLog, and within one where the count is that small.
    """
    late = snapshot["totals"]["late"]
    explanation = f"{late} late events are in the batch and not in the live figure" if late else ""
    found = []
    for name in (*metrics.ADDITIVE, *metrics.DISTINCT):
        live = snapshot["measures"].get(name, snapshot["estimates"].get(name))
        if live is None or measures.get(name) is None:
            continue
        live, batch = Decimal(str(live)), Decimal(str(measures[name]))
        off = 0 if name in metrics.ADDITIVE else max(1, ceil(batch * Decimal(STANDARD_ERRORS * metrics.HLL_STANDARD_ERROR)))
        agrees = abs(live - batch) <= off
        found.append(Comparison(name, live, batch, agrees, "" if agrees else explanation))
    return found


def reconcile(shop: Shop, day: date, run_id: str, measures: Mapping[str, Any]) -> list[Comparison]:
    """Compare ``day``'s batch ``measures`` of ``run_id`` with its live state and store the result in the warehouse.

    Returns:
        The comparisons; none where nothing of the day was counted live.

    Raises:
        redis.RedisError, psycopg.Error: a store does not answer.
    """
    snapshot = LiveState(redis.Redis(**settings().redis_options)).snapshot(shop, day)
    found = compare(snapshot, measures) if snapshot["totals"]["counted"] else []
    rows = [(shop.shop_id, day, one.measure, one.live, one.batch, one.agrees, one.explanation, run_id) for one in found]
    insert = """
        INSERT INTO warehouse.reconciliation (shop_id, date, measure, live, batch, agrees, explanation, run_id)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
    with psycopg.connect(settings().postgres_dsn("loader")) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM warehouse.reconciliation WHERE shop_id = %s AND date = %s", (shop.shop_id, day))
        cursor.executemany(insert, rows)
    return found
