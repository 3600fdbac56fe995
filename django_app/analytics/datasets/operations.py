"""Datasets of the Data page: runs, checks, rows held back, live against batch, what is wrong now. Days are those of the range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics.datasets.core import Dataset, Option, columns
from analytics.scope import Scope, stream
from ecommerce.alerts import alerts
from ecommerce.config import settings
from ecommerce.runs import REVISED

RUNS = f"""
    SELECT r.run_id, r.shop_id, r.source, r.from_date, r.to_date, r.status, r.started_at, r.finished_at,
           round(extract(epoch FROM coalesce(r.finished_at, now()) - r.started_at)::numeric, 1),
           r.rows_in, r.rows_good, r.rows_quarantined, r.rows_excluded,
           (SELECT count(*) FROM warehouse.etl_run_day d WHERE d.run_id = r.run_id AND {REVISED}), r.message
    FROM warehouse.etl_run r
    WHERE r.shop_id = %(shop)s AND r.from_date <= %(last)s AND r.to_date >= %(first)s ORDER BY r.started_at DESC, r.run_id DESC"""
CHECKS = """
    WITH newest AS (SELECT DISTINCT ON (shop_id, from_date, to_date) run_id FROM warehouse.etl_run
                    WHERE shop_id = %(shop)s AND from_date <= %(last)s AND to_date >= %(first)s
                    ORDER BY shop_id, from_date, to_date, started_at DESC)
    SELECT run_id, date, check_name, severity, passed, value, detail, checked_at FROM warehouse.quality_result JOIN newest USING (run_id)
    WHERE severity <> 'info' AND (%(failed)s = 'no' OR NOT passed)
    ORDER BY passed, severity, date DESC NULLS LAST, check_name, checked_at DESC"""
QUARANTINE = """
    SELECT date, source, split_part(reason, ':', 1), ltrim(substr(reason, length(split_part(reason, ':', 1)) + 2)),
           count(*), min(quarantined_at), max(quarantined_at)
    FROM warehouse.quarantine WHERE shop_id = %(shop)s AND (date IS NULL OR date BETWEEN %(first)s AND %(last)s)
    GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC NULLS FIRST, 5 DESC"""
ROWS = """
    SELECT date, source, file, line, reason, raw, run_id, quarantined_at
    FROM warehouse.quarantine WHERE shop_id = %(shop)s AND (date IS NULL OR date BETWEEN %(first)s AND %(last)s)
    ORDER BY date, source, file, line"""
RECONCILIATION = """
    SELECT date, measure, live, batch, batch - live, agrees, explanation, run_id, reconciled_at
    FROM warehouse.reconciliation WHERE shop_id = %(shop)s AND date BETWEEN %(first)s AND %(last)s ORDER BY date DESC, measure"""


FRESHNESS = """
    SELECT shop_id, max(date), max(published_at), count(DISTINCT date) FROM warehouse.etl_run_day GROUP BY shop_id ORDER BY shop_id"""


def _read(sql: str) -> Any:
    def rows(scope: Scope, **options: str) -> Iterator[tuple[Any, ...]]:
        return stream(sql, {"shop": scope.shop.shop_id, "first": scope.days.first, "last": scope.days.last} | options)

    return rows


def _alerts(scope: Scope) -> Iterator[tuple[Any, ...]]:
    return ((one.kind, one.message, one.remedy, one.since) for one in alerts(settings(), role="web"))


DATASETS = (
    Dataset(
        "runs",
        "Batch runs that touch the days, newest first",
        columns(
            "run_id shop_id source from_date:date to_date:date status started_at:time finished_at:time seconds:number "
            "rows_in:integer rows_good:integer rows_quarantined:integer rows_excluded:integer days_revised:integer message"
        ),
        _read(RUNS),
    ),
    Dataset(
        "checks",
        "Checks of the newest runs, failed first",
        columns("run_id date:date check_name severity passed:boolean value:number detail checked_at:time"),
        _read(CHECKS),
        (Option("failed", "yes leaves out what passed", "no", ("yes", "no")),),
    ),
    Dataset(
        "quarantine",
        "Rows held back, counted by day, source, reason and rule",
        columns("date:date source reason rule rows:integer first_at:time last_at:time"),
        _read(QUARANTINE),
    ),
    Dataset(
        "quarantine_rows",
        "The rows held back themselves, as received",
        columns("date:date source file line:integer reason raw run_id quarantined_at:time"),
        _read(ROWS),
    ),
    Dataset(
        "reconciliation",
        "Live against batch, a row a day and measure",
        columns("date:date measure live:number batch:number difference:number agrees:boolean explanation run_id reconciled_at:time"),
        _read(RECONCILIATION),
    ),
    Dataset(
        "freshness",
        "Each shop's newest published day, whatever the days asked for",
        columns("shop_id newest_date:date published_at:time days:integer"),
        _read(FRESHNESS),
    ),
    Dataset("alerts", "What is wrong now on the whole platform", columns("kind message remedy since:time"), _alerts),
)
