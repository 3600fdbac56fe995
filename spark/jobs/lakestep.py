"""The first step of a run: its input's rows to the lake, and facts to the staging tables and to files for the marts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import checks
import connect
import facts
import facts_frames
import factwriter
import inputs
import judging
import lakewriter
import psycopg
import staging
from job import Job, say
from lakeout import LakeOutput, accepted
from pyspark.sql import DataFrame, SparkSession
from runlog import Counts

from ecommerce import lake, warehouse
from ecommerce.config import settings
from ecommerce.suppression import Suppression

log = logging.getLogger("batch")

ROWS_A_TASK = 50_000


@dataclass(frozen=True)
class Staged:
    """What the lake writer has written: its statistics, the contract's columns that the source lacks, and frames of the files.

    ``loaded``: the rows of each of ``facts`` in its staging table.
    """

    spread: staging.Spread
    stats: list[Any]
    absent: frozenset[str]
    events: DataFrame
    facts: dict[str, DataFrame]
    loaded: dict[str, int]


def stage(
    spark: SparkSession,
    job: Job,
    parts: list[inputs.Partition],
    output: LakeOutput,
    tables: warehouse.Staging,
    connection: psycopg.Connection,
) -> Staged:
    """Rows to the lake, and facts to the staging tables and to files for the marts.

    Raises:
        checks.Blocked: the rows are not what ingest counted, or not what the source says, or a published day has none any more.
    """
    say("stage", 0, 1, "reading, casting and checking rows")
    expected = sum(part.manifest.rows for part in parts)
    spread = staging.Spread.over(parts, max(1, expected // ROWS_A_TASK))
    names = facts.TABLES if spread.day_in_one_task(len(output.days)) else facts.OF_EVENTS
    keep = keeper(names, output, tables)
    ids = output.facts_root / "ids"
    rows = staged_rows(spark, job, parts, spread, len(output.days), ids)
    found = written(job, rows, output, keep)
    if judging.torn(ids):
        log.warning("an event names two orders: the rows are dealt anew, by event first and then by order")
        warehouse.empty_staging(connection, tables)
        output.discard()
        found = written(job, staged_rows(spark, job, parts, spread, len(output.days), None), output, keep)
    stats = [row for row in found if row["state"] != factwriter.STATE]
    job.counts = count(stats)
    job.findings += checks.of_the_run(stats, job.counts, expected, "archived rows" if job.source.format == "events" else "rows")
    job.findings += checks.of_emptied_days(connection, job.shop, output.days, stats)
    checks.stop_if_blocked(job.findings)
    events = facts_frames.events(spark, output.events_root, accepted(stats), job.shop.time_zone)
    connect.analysed(events)
    say("stage", 1, 1, f"{job.counts.good} good, {job.counts.quarantined} quarantined, {job.counts.excluded} excluded rows")
    frames = facts_frames.kept(spark, tables.schemas, names, found, job.shop.time_zone)
    return Staged(spread, stats, rows.absent, events, frames, facts_frames.loaded(names, found))


def staged_rows(
    spark: SparkSession, job: Job, parts: list[inputs.Partition], spread: staging.Spread, days: int, ids: Path | None = None
) -> staging.Staged:
    """The input's rows in the contract, in tasks as the lake writer needs them; ``ids`` see staging.stage."""
    if job.source.format == "events":
        raw = staging.archived(spark, parts[0].folder.parent, [path for part in parts for path in lake.files(part.folder)])
    else:
        raw = staging.raw_lines(spark, job.source, job.blocks, job.shop, spread)
    return staging.stage(spark, job.source, raw, job.shop, spread, days, ids)


def keeper(names: tuple[str, ...], output: LakeOutput, tables: warehouse.Staging) -> factwriter.Keeper:
    return factwriter.keeper(names, str(output.facts_root), tables, settings().postgres_dsn("loader"))


def written(job: Job, rows: staging.Staged, output: LakeOutput, keep: factwriter.Keeper) -> list[Any]:
    """The lake writer's statistics when all is written."""
    judge, erased = judging.judged(*rows.verdicts), Suppression(settings()).of_now()
    writer = lakewriter.writer(output.events_folders(), output.quarantine_folders(), judge, job.shop.shop_id, erased, keep)
    return rows.rows.mapInArrow(writer, lakewriter.STATS).collect()


def count(stats: list[Any]) -> Counts:
    by_state = {state: sum(row["inputs"] for row in stats if row["state"] == state) for state in ("good", "quarantined", "excluded")}
    return Counts(**by_state)
