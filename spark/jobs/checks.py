"""What must hold before a run's days are published: the marts' own checks and those of the run as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import psycopg
from marts import Check
from psycopg import sql
from runlog import Counts, Finding

from ecommerce import warehouse
from ecommerce.shops import Shop


class Blocked(Exception):
    """A blocking check does not hold; nothing was published."""


MAX_QUARANTINED = 0.5
"""A run with a greater share of its rows held back is stopped: the files are not what the source says."""


def of_tables(
    connection: psycopg.Connection, checks: Iterable[Check], staging: warehouse.Staging, new: Iterable[str] | None = None
) -> list[Finding]:
    """Every one of ``checks`` over the run's staged rows; a broken one is found once a row that breaks it.

    ``new``: the tables that no earlier call has seen; all where it is None.
    """
    names = {name: staging.identifier(name) for name in staging.schemas}
    connection.execute("SET default_statistics_target = 1")  # how many rows there are is what the checks' plans need
    for name in names if new is None else new:
        connection.execute(sql.SQL("ANALYZE {}").format(names[name]))
    connection.execute("RESET default_statistics_target")
    return [finding for check in checks for finding in _run(connection, check, names)]


def _run(connection: psycopg.Connection, check: Check, names: dict[str, sql.Identifier]) -> list[Finding]:
    rows = connection.execute(sql.SQL(check.sql).format(**names)).fetchall()
    if not rows:
        return [Finding(check.name, check.severity, True)]
    return [Finding(check.name, check.severity, False, value, str(detail), day) for day, value, detail in rows]


MAX_OF_A_RULE = 0.9
"""A rule that a greater share of the rows breaks speaks of the column, not of the rows: it was retyped, or mapped wrong."""


def of_the_schema(drift: dict[str, list[str]]) -> list[Finding]:
    """Schema drift (see drift.py): a column that is gone or of another type stops the run, a new one is tolerated and reported."""
    finding = lambda name, severity, kind: Finding(name, severity, not drift[kind], len(drift[kind]), "; ".join(drift[kind])[:1000])  # noqa: E731
    return [
        finding("schema.no_column_dropped", "blocking", "dropped"),
        finding("schema.no_column_twice", "blocking", "repeated"),
        *([finding("schema.no_column_retyped", "blocking", "retyped")] if drift["retyped"] else []),
        finding("schema.no_column_added", "warning", "added"),
    ]


def of_the_columns(stats: list[Any], rows_in: int) -> list[Finding]:
    """Columns that hardly a row has as declared: retyped in the files, or mapped wrong in staging.sql."""
    broken: Counter[str] = Counter()
    for row in stats:
        if row["state"] == "quarantined" and row["name"].startswith(("bad_", "missing_field", "unknown_event", "not_")):
            broken[row["name"]] += row["inputs"]
    retyped = [(name, rows) for name, rows in broken.items() if rows > MAX_OF_A_RULE * rows_in]
    name = "schema.no_column_retyped"
    return [
        Finding(name, "blocking", False, rows, f"{rule} in {rows} of {rows_in} rows: see [columns] and staging.sql")
        for rule, rows in retyped
    ] or [Finding(name, "blocking", True)]


def of_the_run(stats: list[Any], counts: Counts, expected: int, unit: str) -> list[Finding]:
    """Counts against the ingest's, and the rows held back or left out, by name and day.

    ``stats`` are rows of lakewriter.STATS; ``expected`` is the manifests' number of ``unit``.
    """
    found = sum(row["rows"] for row in stats) if unit == "archived rows" else counts.rows_in
    share = counts.quarantined / counts.rows_in if counts.rows_in else 0
    outside = sum(row["inputs"] for row in stats if row["name"] == "outside_range")
    return [
        Finding("run.rows_in_is_the_ingest_count", "blocking", found == expected, found, f"{expected} {unit} in the manifests"),
        Finding("run.few_rows_quarantined", "blocking", share <= MAX_QUARANTINED, counts.quarantined, f"of {counts.rows_in} input rows"),
        Finding("run.nothing_quarantined", "warning", not counts.quarantined, counts.quarantined, f"of {counts.rows_in} input rows"),
        Finding("run.rows_in_range", "warning", not outside, outside, "rows of other days than their partition's"),
        *of_the_columns(stats, counts.rows_in),
        *_named_counts(stats),
    ]


def _named_counts(stats: list[Any]) -> list[Finding]:
    counts: Counter[tuple[str, date | None]] = Counter()
    for row in stats:
        if row["state"] != "good":
            counts[f"{row['state']}:{row['name'].partition(':')[0]}", row["day"]] += row["inputs"]
        if row["copies"]:
            counts["exact_copies", row["day"]] += row["copies"]
    return [Finding(name, "info", True, value, day=day) for (name, day), value in sorted(counts.items(), key=str)]


def of_the_load(loaded: dict[str, int], staged: dict[str, int]) -> list[Finding]:
    """The staging tables hold what the executors wrote."""
    return [
        Finding(f"run.{name}_is_whole", "blocking", staged[name] == rows, staged[name], f"{rows} rows written by executors")
        for name, rows in loaded.items()
    ]


def of_other_days(connection: psycopg.Connection, staging: warehouse.Staging, days: list[date]) -> list[Finding]:
    """Orders of the run that another day has, published or of the run: the live count refuses them within 48 h only."""
    statement = sql.SQL("""
        SELECT s.date, count(*), string_agg(DISTINCT s.transaction_id, ', ' ORDER BY s.transaction_id)
        FROM {orders} s JOIN (
            SELECT shop_id, transaction_id, date FROM warehouse.fct_order WHERE date <> ALL(%s)
            UNION ALL SELECT shop_id, transaction_id, date FROM {orders}
        ) o ON o.shop_id = s.shop_id AND o.transaction_id = s.transaction_id AND o.date <> s.date
        GROUP BY s.date""").format(orders=staging.identifier("fct_order"))
    rows = connection.execute(statement, (days,)).fetchall()
    name = "run.orders_of_one_day"
    return [Finding(name, "warning", False, n, f"also on another day: {ids[:500]}", day) for day, n, ids in rows] or [
        Finding(name, "warning", True)
    ]


def of_emptied_days(connection: psycopg.Connection, shop: Shop, days: list[date], stats: list[Any]) -> list[Finding]:
    """Those of ``days`` that have published events and no accepted row of the run, unless the shop says that they are empty."""
    accepted = {row["day"] for row in stats if row["state"] == "good"}
    empty = [day for day in days if day not in accepted and day not in shop.empty_days]
    query = "SELECT date, sum(events) FROM warehouse.mart_hourly_sales WHERE shop_id = %s AND date = ANY(%s) GROUP BY date ORDER BY date"
    rows = connection.execute(query, (shop.shop_id, empty)).fetchall()
    remedy = f"land its rows again; if it is to be empty, name it in empty_days of [{shop.shop_id}] in shops.toml"
    name = "run.no_day_emptied"
    return [Finding(name, "blocking", False, n, f"events are published and the run accepts none: {remedy}", day) for day, n in rows] or [
        Finding(name, "blocking", True)
    ]


def blocked(findings: list[Finding]) -> list[Finding]:
    """The findings that stop publication."""
    return [finding for finding in findings if finding.severity == "blocking" and not finding.passed]


def stop_if_blocked(findings: list[Finding]) -> None:
    """
    Raises:
        Blocked: a blocking check among ``findings`` does not hold; the message names the first five.
    """
    if stopped := blocked(findings):
        raise Blocked("; ".join(f"{f.name}{f' on {f.day}' if f.day else ''}: {f.value} ({f.detail})" for f in stopped[:5]))
