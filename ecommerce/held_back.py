"""Rows that a batch run held back, as the warehouse keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from ecommerce.config import Settings

ALL = 10_000_000
WHERE = """
    FROM warehouse.quarantine q
    WHERE (%(shop)s::text IS NULL OR q.shop_id = %(shop)s) AND (%(date)s::date IS NULL OR q.date = %(date)s)
      AND (%(reason)s::text IS NULL OR split_part(q.reason, ':', 1) = %(reason)s)
      AND (%(source)s::text IS NULL OR q.source = %(source)s)"""


@dataclass(frozen=True)
class HeldBack:
    """One input row that was held back: where it came from, why (``reason`` of the closed list, ``rule`` what it broke), its text.

    ``date`` is None where the row does not say its day.
    """

    shop_id: str
    source: str
    date: date | None
    file: str
    line: int
    reason: str
    rule: str
    raw: str
    run_id: str
    quarantined_at: datetime


def listing(
    settings: Settings, shop_id: str | None = None, day: date | None = None, reason: str | None = None, role: str = "reader"
) -> list[dict[str, Any]]:
    """What is held back, counted: shop_id, source, date, reason, rule, rows, files, since; the newest days first."""
    query = f"""
        SELECT q.shop_id, q.source, q.date, split_part(q.reason, ':', 1) AS reason,
               ltrim(substr(q.reason, length(split_part(q.reason, ':', 1)) + 2)) AS rule,
               count(*) AS rows, count(DISTINCT q.file) AS files, min(q.quarantined_at) AS since
        {WHERE} GROUP BY 1, 2, 3, 4, 5 ORDER BY q.date DESC NULLS FIRST, 1, 2, rows DESC"""
    with psycopg.connect(settings.postgres_dsn(role), row_factory=dict_row) as connection:
        return connection.execute(query, _scope(shop_id, day, reason)).fetchall()


def show(
    settings: Settings,
    shop_id: str,
    day: date | None = None,
    reason: str | None = None,
    source: str | None = None,
    limit: int = 100,
    role: str = "reader",
) -> list[HeldBack]:
    """The rows themselves, by file and line."""
    query = f"""
        SELECT q.shop_id, q.source, q.date, q.file, q.line, split_part(q.reason, ':', 1) AS reason,
               ltrim(substr(q.reason, length(split_part(q.reason, ':', 1)) + 2)) AS rule, q.raw, q.run_id, q.quarantined_at
        {WHERE} ORDER BY q.date, q.source, q.file, q.line LIMIT %(limit)s"""
    with psycopg.connect(settings.postgres_dsn(role), row_factory=class_row(HeldBack)) as connection:
        return connection.execute(query, {**_scope(shop_id, day, reason, source), "limit": limit}).fetchall()


def of_days(settings: Settings, shop_id: str, days: list[date], source: str | None = None, role: str = "reader") -> list[HeldBack]:
    """Rows held back of ``days``, and those that do not say their day of runs that covered one of them."""
    rows = show(settings, shop_id, source=source, limit=ALL, role=role)
    query = "SELECT run_id FROM warehouse.etl_run WHERE shop_id = %s AND from_date <= %s AND to_date >= %s"
    with psycopg.connect(settings.postgres_dsn(role)) as connection:
        covering = {run for (run,) in connection.execute(query, (shop_id, days[-1], days[0]))}
    wanted = set(days)
    return [row for row in rows if row.date in wanted or (row.date is None and row.run_id in covering)]


def _scope(shop_id: str | None, day: date | None, reason: str | None, source: str | None = None) -> dict[str, Any]:
    return {"shop": shop_id, "date": day, "reason": reason, "source": source}
