"""The state of a shop-day's numbers: live, provisional, final or revised; none where nothing was counted.

Live: the shop's today. Provisional: the day is over, but no batch run holds all that came. Final: a batch
run published it and nothing contradicts it. Revised: the newest run changed what an earlier one published.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ecommerce import lake
from ecommerce.origins import FROM_EVENTS
from ecommerce.shops import Shop

LIVE, PROVISIONAL, REVISED, FINAL, NONE = "live", "provisional", "revised", "final", "none"
LEAST_SETTLED_FIRST = (LIVE, PROVISIONAL, REVISED, FINAL)


@dataclass(frozen=True)
class Run:
    """The newest batch run of a shop-day; ``changed`` maps a measure to its figures before and after."""

    run_id: str
    source: str
    published_at: datetime
    changed: dict[str, list[Any]]
    covers_archive: bool
    unexplained: tuple[str, ...]
    message: str = ""
    grown: int = 0
    """Rows archived since the run read the archive."""
    row_changes: tuple[str, ...] = ()
    """Fact tables of which the run added, removed or changed rows."""


@dataclass(frozen=True)
class DayState:
    """The state of one shop-day and why it is that."""

    name: str
    reason: str
    run: Run | None = None


def state_of(day: date, today: date, run: Run | None, archived: bool, counted_live: bool) -> DayState:
    """The state of ``day``: ``archived`` says that the lake holds real events of it, ``counted_live`` that Redis does."""
    if day == today:
        return DayState(LIVE, "the day is not over", run)
    if run is None:
        if archived or counted_live:
            return DayState(PROVISIONAL, "the day is over, its batch run has not published yet")
        return DayState(NONE, "no data came for this day")
    if archived and not run.covers_archive and run.source in FROM_EVENTS:
        return DayState(PROVISIONAL, "real traffic came that no batch run holds yet", run)
    if run.grown:
        return DayState(PROVISIONAL, f"{run.grown} rows were archived since run {run.run_id} read the day: run it again", run)
    if run.unexplained:
        return DayState(PROVISIONAL, f"live and batch differ without an explanation in {', '.join(run.unexplained)}", run)
    if run.changed or run.row_changes:
        return DayState(REVISED, f"run {run.run_id} changed what was published before", run)
    return DayState(FINAL, "the batch run has published it", run)


def least_settled(states: Iterable[str]) -> str:
    """The state of a range: that of its least settled day; none where no day has data."""
    found = set(states)
    return next((state for state in LEAST_SETTLED_FIRST if state in found), NONE)


RUNS = """
    SELECT newest.date, newest.run_id, newest.source, newest.published_at, newest.changed::text, newest.covers_archive,
           run.message, differing.measures, run.inputs::text, newest.row_changes::text
    FROM (
        SELECT DISTINCT ON (date) *, bool_or(source = 'kafka') OVER (PARTITION BY date) AS covers_archive
        FROM warehouse.etl_run_day
        WHERE shop_id = %(shop)s AND date BETWEEN %(first)s AND %(last)s
        ORDER BY date, published_at DESC, run_id DESC
    ) AS newest
    JOIN warehouse.etl_run AS run USING (run_id)
    LEFT JOIN (
        SELECT date, array_agg(measure ORDER BY measure) AS measures
        FROM warehouse.reconciliation
        WHERE shop_id = %(shop)s AND date BETWEEN %(first)s AND %(last)s AND NOT agrees AND explanation = ''
        GROUP BY date
    ) AS differing ON differing.date = newest.date"""
"""The newest run of each published shop-day; parameters shop, first, last. :func:`of_rows` reads its rows."""


def of_rows(rows: Iterable[tuple[Any, ...]], root: Path, shop: Shop) -> dict[date, Run]:
    """Each day's newest run, from the rows of :data:`RUNS` and the lake at ``root``."""
    return {
        day: Run(
            run_id,
            source,
            published_at,
            json.loads(changed),
            covers,
            tuple(differing or ()),
            message,
            _grown(root, shop, day, source, inputs),
            tuple(json.loads(row_changes)),
        )
        for day, run_id, source, published_at, changed, covers, message, differing, inputs, row_changes in rows
    }


def _grown(root: Path, shop: Shop, day: date, source: str, inputs: str) -> int:
    """Rows that the archive of the day has beyond those that its run read."""
    if source != "kafka":
        return 0
    folder = lake.events(root, source, shop.shop_id, day)
    manifest = lake.read_manifest(folder)
    read = {part["path"]: part["rows"] for part in json.loads(inputs)}.get(folder.relative_to(root).as_posix())
    return 0 if manifest is None or read is None else max(0, manifest.rows - read)
