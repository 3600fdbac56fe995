"""Rows that a batch run held back: listed, shown, and replayed after a repair. The command line and the Data page share this."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from ecommerce import etl, ingest, runs
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.shops import shop as find_shop

ALL = 10_000_000
WHERE = """
    FROM warehouse.quarantine q
    WHERE (%(shop)s::text IS NULL OR q.shop_id = %(shop)s) AND (%(date)s::date IS NULL OR q.date = %(date)s)
      AND (%(reason)s::text IS NULL OR split_part(q.reason, ':', 1) = %(reason)s)
      AND (%(source)s::text IS NULL OR q.source = %(source)s)"""


class QuarantineError(PlatformError):
    """Nothing is held back there, or it cannot be replayed as asked; the message says what to give."""


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


def replay(
    settings: Settings,
    shop_id: str,
    day: date,
    progress: Callable[[dict[str, Any]], None],
    fix: dict[str, str] | None = None,
    rows: list[dict[str, Any]] | None = None,
    reason: str | None = None,
    source: str | None = None,
) -> list[runs.Difference]:
    """Run the day of the rows held back again, after ``fix`` (column to value), ``rows`` (see repair.apply), or a changed staging.sql.

    Returns:
        What it changed, for each day of the run that it revised.

    Raises:
        QuarantineError: nothing is held back there, or it is not clear what is meant.
        repair.RepairError, etl.EtlError: the repair does not fit the rows, or the run did not publish.
    """
    run = plan(settings, shop_id, day, fix, rows, reason, source)
    etl.run_all([run], progress)
    published = runs.show(settings, run.run_id)["days"]
    return [runs.difference(settings, shop_id, one["date"], run.run_id) for one in published if one["changed"] or one["row_changes"]]


def plan(
    settings: Settings,
    shop_id: str,
    day: date,
    fix: dict[str, str] | None = None,
    rows: list[dict[str, Any]] | None = None,
    reason: str | None = None,
    source: str | None = None,
) -> etl.Run:
    """The run that :func:`replay` makes; its ``repair`` is what a triggered DAG run takes as the parameter of that name.

    Raises:
        QuarantineError: nothing is held back there, or it is not clear what is meant.
    """
    find_shop(shop_id)
    name = ingest.source_name(source) if source else None
    held = of_days(settings, shop_id, [day], name)
    if not held:
        raise QuarantineError(f"nothing is held back of {shop_id} on {day}: `ecommerce quarantine list --shop {shop_id}`")
    if len(sources := sorted({row.source for row in held})) > 1:
        raise QuarantineError(f"{shop_id} {day} has rows held back from {', '.join(sources)}: name one with --source")
    if fix and not reason and len(reasons := sorted({row.reason for row in held})) > 1:
        raise QuarantineError(f"{shop_id} {day} has rows held back for {', '.join(reasons)}: name one with --reason")
    if sources == ["kafka"]:
        raise QuarantineError(f"{shop_id} {day} came from Kafka: put refused events right with `ecommerce dlq`")
    chosen = source or sources[0]
    first, last = (day, day) if ingest.dated_by_path(chosen) else _range_of(settings, held[-1].run_id)
    repair = json.dumps({"fix": fix or {}, "rows": rows or [], "reason": reason or ""})
    return etl.Run(etl.new_run_id(), shop_id, chosen, first.isoformat(), last.isoformat(), repair=repair)


def of_days(settings: Settings, shop_id: str, days: list[date], source: str | None = None, role: str = "reader") -> list[HeldBack]:
    """Rows held back of ``days``, and those that do not say their day of runs that covered one of them."""
    rows = show(settings, shop_id, source=source, limit=ALL, role=role)
    query = "SELECT run_id FROM warehouse.etl_run WHERE shop_id = %s AND from_date <= %s AND to_date >= %s"
    with psycopg.connect(settings.postgres_dsn(role)) as connection:
        covering = {run for (run,) in connection.execute(query, (shop_id, days[-1], days[0]))}
    wanted = set(days)
    return [row for row in rows if row.date in wanted or (row.date is None and row.run_id in covering)]


def _range_of(settings: Settings, run_id: str) -> tuple[date, date]:
    """The range of the run that held the rows back: its files were landed together."""
    run = runs.show(settings, run_id)
    return run["from_date"], run["to_date"]


def _scope(shop_id: str | None, day: date | None, reason: str | None, source: str | None = None) -> dict[str, Any]:
    return {"shop": shop_id, "date": day, "reason": reason, "source": source}
