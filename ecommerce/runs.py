"""Batch runs as the warehouse remembers them, and why a number changed. The command line and the Data page share this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ecommerce import lake
from ecommerce.config import Settings
from ecommerce.errors import PlatformError

REVISED = "(changed <> '{}' OR row_changes <> '{}')"
"""The condition under which a row of etl_run_day says that its run changed what an earlier one published."""

LIST = f"""
    SELECT run_id, shop_id, source, from_date, to_date, status, started_at, finished_at, rows_in, rows_good, rows_quarantined,
           rows_excluded, code_version, message,
           (SELECT count(*) FROM warehouse.etl_run_day d WHERE d.run_id = r.run_id AND {REVISED}) AS days_revised
    FROM warehouse.etl_run r
    WHERE (%(shop)s::text IS NULL OR shop_id = %(shop)s)
      AND (%(date)s::date IS NULL OR %(date)s BETWEEN from_date AND to_date)
      AND (%(status)s::text IS NULL OR status = %(status)s)
    ORDER BY started_at DESC, run_id DESC LIMIT %(limit)s"""


class RunError(PlatformError):
    """There is no such run or day."""


@dataclass(frozen=True)
class Difference:
    """Why a shop-day's numbers changed: its run against the one before.

    ``measures`` maps a metric to (before, after, after − before; None where one side has none), ``rows`` a fact table
    to its rows added, removed and changed; ``inputs_added`` and ``inputs_removed`` name files with their SHA-256;
    ``code`` is (before, after) where the code differs.
    """

    shop_id: str
    day: date
    run_id: str
    previous_run_id: str | None
    measures: dict[str, tuple[Any, Any, Decimal | None]]
    rows: dict[str, dict[str, int]]
    inputs_added: list[tuple[str, str]]
    inputs_removed: list[tuple[str, str]]
    code: tuple[str, str] | None

    @property
    def why(self) -> str:
        """The cause in a sentence."""
        causes = []
        if self.inputs_added or self.inputs_removed:
            causes.append("its input files changed")
        if self.code:
            causes.append("the code changed")
        if not self.measures and not self.rows:
            return "nothing changed"
        return " and ".join(causes) or "neither files nor code changed: the source or the shop's settings did"


def listing(
    settings: Settings,
    shop_id: str | None = None,
    day: date | None = None,
    status: str | None = None,
    limit: int = 20,
    role: str = "reader",
) -> list[dict[str, Any]]:
    """The newest runs first, each with the columns of etl_run and ``days_revised``."""
    with _connect(settings, role) as connection:
        return connection.execute(LIST, {"shop": shop_id, "date": day, "status": status, "limit": limit}).fetchall()


def show(settings: Settings, run_id: str, role: str = "reader") -> dict[str, Any]:
    """One run: the columns of etl_run, ``days`` (its etl_run_day) and ``checks`` (its quality_result that are no counts).

    Raises:
        RunError: there is no such run.
    """
    with _connect(settings, role) as connection:
        run = connection.execute("SELECT * FROM warehouse.etl_run WHERE run_id = %s", (run_id,)).fetchone()
        if run is None:
            raise RunError(f"there is no run {run_id}: `ecommerce runs list` shows them")
        days = connection.execute("SELECT * FROM warehouse.etl_run_day WHERE run_id = %s ORDER BY date", (run_id,)).fetchall()
        checks = connection.execute(
            """SELECT date, check_name, severity, passed, value, detail FROM warehouse.quality_result
               WHERE run_id = %s ORDER BY passed, severity, check_name, date""",
            (run_id,),
        ).fetchall()
    return {**run, "days": days, "checks": checks}


def difference(settings: Settings, shop_id: str, day: date, run_id: str | None = None, role: str = "reader") -> Difference:
    """What run ``run_id`` (default: the newest that published the day) changed of the shop-day, and why.

    Raises:
        RunError: no such run published the day.
    """
    query = """
        SELECT d.*, r.inputs, r.code_version, p.inputs AS previous_inputs, p.code_version AS previous_code
        FROM warehouse.etl_run_day d JOIN warehouse.etl_run r USING (run_id)
        LEFT JOIN warehouse.etl_run p ON p.run_id = d.previous_run_id
        WHERE d.shop_id = %(shop)s AND d.date = %(date)s AND (%(run)s::text IS NULL OR d.run_id = %(run)s)
        ORDER BY d.published_at DESC, d.run_id DESC LIMIT 1"""
    with _connect(settings, role) as connection:
        found = connection.execute(query, {"shop": shop_id, "date": day, "run": run_id}).fetchone()
    if found is None:
        raise RunError(f"{shop_id} {day} was not published{f' by run {run_id}' if run_id else ''}: `ecommerce runs list --shop {shop_id}`")
    before, after = _files(found["previous_inputs"], day), _files(found["inputs"], day)
    known = found["previous_run_id"] is not None and found["previous_code"] is not None
    changed_code = known and found["previous_code"] != found["code_version"]
    return Difference(
        shop_id,
        day,
        found["run_id"],
        found["previous_run_id"],
        {name: (old, new, _minus(new, old)) for name, (old, new) in found["changed"].items()},
        found["row_changes"],
        sorted(after - before) if known else [],
        sorted(before - after) if known else [],
        (found["previous_code"], found["code_version"]) if changed_code else None,
    )


def source_folder(inputs: list[dict[str, Any]]) -> str | None:
    """The folder of the source of one's own by which a run read its ``inputs``; None for a source below spark/sources."""
    return inputs[0].get("source_folder") if inputs else None


def _files(inputs: list[dict[str, Any]] | None, day: date) -> set[tuple[str, str]]:
    """(name, SHA-256) of the files that may hold rows of ``day``."""
    found = set()
    for part in inputs or []:
        first, last = lake.landed_days(part["path"])
        if first <= day <= last:
            found |= {(file["path"].partition("/")[2] or file["path"], file["sha256"]) for file in part.get("files", [])}
    return found


def _minus(new: Any, old: Any) -> Decimal | None:
    try:
        return Decimal(str(new)) - Decimal(str(old))
    except InvalidOperation:
        return None


def _connect(settings: Settings, role: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(settings.postgres_dsn(role), connect_timeout=10, row_factory=dict_row)
