"""What a run writes about itself: etl_run, etl_run_day, quality_result and quarantine."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from codeversion import code_version
from marts import Mart
from psycopg import sql
from sources import Source

from ecommerce import metrics


@dataclass(frozen=True)
class Finding:
    """One check's result, or a count (severity info); ``day`` None: it is one of the whole run."""

    name: str
    severity: str
    passed: bool
    value: Decimal | int | None = None
    detail: str = ""
    day: date | None = None


@dataclass
class Counts:
    """Input rows of the run: ``rows_in`` is always the sum of the other three."""

    good: int = 0
    quarantined: int = 0
    excluded: int = 0

    @property
    def rows_in(self) -> int:
        return self.good + self.quarantined + self.excluded

    def as_columns(self) -> dict[str, int]:
        return {"rows_in": self.rows_in, "rows_good": self.good, "rows_quarantined": self.quarantined, "rows_excluded": self.excluded}


@dataclass(frozen=True)
class RunLog:
    """The record of one run; the connection is the driver's."""

    connection: psycopg.Connection
    run_id: str
    shop_id: str
    source: Source
    from_date: date
    to_date: date
    marts: list[Mart] = field(default_factory=list)

    def start(self) -> None:
        """Enter the run as running; earlier runs of the shop that never ended are dead, for the caller holds its lock."""
        self.connection.execute(
            """UPDATE warehouse.etl_run SET status = 'failed', finished_at = now(), message = 'the job ended without a word'
               WHERE shop_id = %s AND status = 'running'""",
            (self.shop_id,),
        )
        self.connection.execute(
            """INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, code_version)
               VALUES (%s, %s, %s, %s, %s, 'running', %s)
               ON CONFLICT (run_id) DO UPDATE SET shop_id = excluded.shop_id, source = excluded.source, from_date = excluded.from_date,
                   to_date = excluded.to_date, status = 'running', started_at = now(), finished_at = NULL, message = '',
                   code_version = excluded.code_version""",
            (self.run_id, self.shop_id, self.source.name, self.from_date, self.to_date, code_version(self.source)),
        )

    def inputs(self, inputs: list[dict[str, Any]]) -> None:
        """Which partitions the run read."""
        self.connection.execute("UPDATE warehouse.etl_run SET inputs = %s WHERE run_id = %s", (json.dumps(inputs), self.run_id))

    def finish(self, status: str, counts: Counts | None, message: str = "", steps: dict[str, float] | None = None) -> None:
        """Close the run as published, blocked or failed; ``steps`` is seconds by step."""
        columns = counts.as_columns() if counts else dict.fromkeys(Counts().as_columns())
        self.connection.execute(
            """UPDATE warehouse.etl_run SET status = %(status)s, finished_at = now(), message = %(message)s, rows_in = %(rows_in)s,
                   rows_good = %(rows_good)s, rows_quarantined = %(rows_quarantined)s, rows_excluded = %(rows_excluded)s, steps = %(steps)s
               WHERE run_id = %(run_id)s""",
            {"steps": json.dumps(steps or {}), "status": status, "message": message[:4000], "run_id": self.run_id, **columns},
        )

    def findings(self, findings: list[Finding]) -> None:
        """Write the run's checks and counts in place of those it wrote before."""
        self.connection.execute("DELETE FROM warehouse.quality_result WHERE run_id = %s", (self.run_id,))
        rows = [(self.run_id, self.shop_id, f.day, f.name, f.severity, f.passed, f.value, f.detail) for f in findings]
        with self.connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO warehouse.quality_result (run_id, shop_id, date, check_name, severity, passed, value, detail)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
                rows,
            )

    def quarantine(self, days: list[date], rows: list[tuple[date | None, str, int, str, str]]) -> None:
        """Put ``rows`` (day, file, line, reason, raw) in place of what was held back of ``days``.

        Rows without a day that runs of the source within the range held back go, too: this run has read the range anew.
        """
        self.connection.execute(
            """DELETE FROM warehouse.quarantine
               WHERE shop_id = %(shop)s AND (date = ANY(%(days)s) OR date IS NULL AND source = %(source)s AND run_id IN (
                   SELECT run_id FROM warehouse.etl_run WHERE shop_id = %(shop)s AND from_date >= %(first)s AND to_date <= %(last)s))""",
            {"shop": self.shop_id, "days": days, "source": self.source.name, "first": self.from_date, "last": self.to_date},
        )
        statement = "COPY warehouse.quarantine (run_id, shop_id, source, date, file, line, reason, raw) FROM STDIN"
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row((self.run_id, self.shop_id, self.source.name, *row))

    def days(self, days: list[date], row_changes: dict[date, dict[str, Any]]) -> int:
        """Record each published shop-day: measures, checksum, and what changed against its previous run.

        ``row_changes`` is that of warehouse.replace_days; those of an attempt of the run that was published before count, too.

        Returns:
            The number of days recorded.
        """
        measures, prints, previous = self._measures(days), self._fingerprints(days), self._previous(days)
        statement = "DELETE FROM warehouse.etl_run_day WHERE run_id = %s RETURNING date, previous_run_id, row_changes"
        earlier = {(day, run): found for day, run, found in self.connection.execute(statement, (self.run_id,))}
        recorded = [day for day in days if day in measures or day in previous]
        rows = []
        for day in recorded:
            now, (old_run, old) = measures.get(day, {}), previous.get(day, (None, None))
            checksum = hashlib.sha256(json.dumps([now, prints.get(day, [])], sort_keys=True).encode()).hexdigest()
            # Where another run published meanwhile, those of the earlier attempt are against an older day.
            both = together(earlier.get((day, old_run), {}), row_changes.get(day, {}))
            changes = json.dumps(difference(old, now)), json.dumps(both)
            rows.append((self.run_id, self.shop_id, day, self.source.name, checksum, json.dumps(now), old_run, *changes))
        with self.connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures, previous_run_id, changed,
                       row_changes)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                rows,
            )
        return len(measures)

    def _measures(self, days: list[date]) -> dict[date, dict[str, Any]]:
        """Every additive and distinct metric and the customers of each day: counts as integers, money as decimal strings."""
        query = """
            SELECT date, to_jsonb(s) || to_jsonb(f) || jsonb_build_object(
                'refunds', s.refunds::text, 'gross_revenue', s.gross_revenue::text, 'discounts', s.discounts::text, 'tax', s.tax::text,
                'adjustments', s.adjustments::text, 'net_revenue', s.net_revenue::text, 'shipping', s.shipping::text)
            FROM warehouse.mart_daily_sales s JOIN warehouse.mart_daily_funnel f USING (shop_id, date)
            WHERE shop_id = %s AND date = ANY(%s)"""
        names = (*metrics.ADDITIVE, *metrics.DISTINCT, "customers")
        rows = self.connection.execute(query, (self.shop_id, days)).fetchall()
        return {day: {name: row[name] for name in names} for day, row in rows}

    def _fingerprints(self, days: list[date]) -> dict[date, list[str]]:
        """For each day a digest of the rows of each mart of the day, run_id apart."""
        found: dict[date, list[str]] = {}
        for mart in (mart for mart in self.marts if mart.scope == "day"):
            statement = sql.SQL("""
                SELECT date, md5(string_agg(md5((to_jsonb(t) - 'run_id')::text), '' ORDER BY {keys}))
                FROM warehouse.{table} t WHERE shop_id = %s AND date = ANY(%s) GROUP BY date""")
            keys = sql.SQL(", ").join(
                sql.SQL('{} COLLATE "C"').format(sql.Identifier(k)) if k.endswith("_id") else sql.Identifier(k) for k in mart.keys
            )
            for day, digest in self.connection.execute(statement.format(keys=keys, table=sql.Identifier(mart.table)), (self.shop_id, days)):
                found.setdefault(day, []).append(f"{mart.table} {digest}")
        return found

    def _previous(self, days: list[date]) -> dict[date, tuple[str, dict[str, Any]]]:
        query = """
            SELECT DISTINCT ON (date) date, run_id, measures FROM warehouse.etl_run_day
            WHERE shop_id = %s AND date = ANY(%s) AND run_id <> %s ORDER BY date, published_at DESC"""
        return {day: (run, old) for day, run, old in self.connection.execute(query, (self.shop_id, days, self.run_id))}


def difference(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, list[Any]]:
    """Measures that differ, name to [before, after]; nothing where there was no day before."""
    if not before:
        return {}
    return {name: [before.get(name), after.get(name)] for name in sorted({*before, *after}) if before.get(name) != after.get(name)}


def together(first: dict[str, dict[str, int]], second: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Rows changed by two attempts of a run, one after the other, by fact table and kind."""
    found = {table: dict(kinds) for table, kinds in first.items()}
    for table, kinds in second.items():
        found[table] = {kind: found.get(table, {}).get(kind, 0) + rows for kind, rows in kinds.items()}
    return found
