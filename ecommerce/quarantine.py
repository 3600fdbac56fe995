"""Rows that a batch run held back: listed, shown, and replayed after a repair. The command line and the Data page share this."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

from ecommerce import etl, ingest, lake, runs
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.held_back import HeldBack, listing, of_days, show
from ecommerce.shops import shop as find_shop

__all__ = ["HeldBack", "QuarantineError", "listing", "of_days", "plan", "replay", "show"]


class QuarantineError(PlatformError):
    """Nothing is held back there, or it cannot be replayed as asked; the message says what to give."""


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
    role: str = "reader",
) -> etl.Run:
    """The run that :func:`replay` makes; its ``repair`` is what a triggered DAG run takes as the parameter of that name.

    ``source`` tells sources apart by name; as a path it is the folder to read with, else the one that held the rows back is.

    Raises:
        QuarantineError: nothing is held back there, or it is not clear what is meant.
        runs.RunError: the run that held them back is no longer kept.
    """
    find_shop(shop_id)
    name = ingest.source_name(source) if source else None
    held = of_days(settings, shop_id, [day], name, role)
    if not held:
        raise QuarantineError(f"nothing is held back of {shop_id} on {day}: `ecommerce quarantine list --shop {shop_id}`")
    if len(sources := sorted({row.source for row in held})) > 1:
        raise QuarantineError(f"{shop_id} {day} has rows held back from {', '.join(sources)}: name one with --source")
    if fix and not reason and len(reasons := sorted({row.reason for row in held})) > 1:
        raise QuarantineError(f"{shop_id} {day} has rows held back for {', '.join(reasons)}: name one with --reason")
    if sources == ["kafka"]:
        raise QuarantineError(f"{shop_id} {day} came from Kafka: put refused events right with `ecommerce dlq`")
    run = runs.show(settings, held[-1].run_id, role)
    alone = any(lake.landed_days(part["path"]) == (day, day) for part in run["inputs"])  # else a range's files were landed together
    first, last = (day, day) if alone else (run["from_date"], run["to_date"])
    repair = json.dumps({"fix": fix or {}, "rows": rows or [], "reason": reason or ""})
    chosen = source if source and "/" in source else runs.source_folder(run["inputs"]) or sources[0]
    return etl.Run(etl.new_run_id(), shop_id, chosen, first.isoformat(), last.isoformat(), repair=repair)
