"""The batch job of one shop and one range of days: lake > staging > facts > marts > checks > warehouse.

Usage: batch_processing.py --run-id R --shop S --source NAME_OR_FOLDER --from D --to D [--lake DIR]
Progress goes to stdout, one JSON object a line; logs go to stderr.
Exit codes: 0 published, 1 failed, 2 bad arguments or configuration, 3 stopped by a check.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import checks
import connect
import drift
import facts
import history
import inputs
import judging
import lakewriter
import load
import marts
import psycopg
import sources
import staging
from lakeout import LakeOutput, accepted, quarantined
from pyspark.cloudpickle import register_pickle_by_value
from pyspark.sql import DataFrame, SparkSession
from runlog import Counts, Finding, RunLog

from ecommerce import lake, warehouse
from ecommerce.config import ConfigError, settings
from ecommerce.shops import Shop
from ecommerce.shops import shop as find_shop
from ecommerce.suppression import Suppression

log = logging.getLogger("batch")
register_pickle_by_value(lakewriter)
register_pickle_by_value(load)
register_pickle_by_value(history)

ROWS_A_TASK = 50_000
WORK_MEMORY = "64MB"
"""Of the driver's connection, the one that checks and publishes; PostgreSQL's default sorts a long range on disk."""


class Blocked(Exception):
    """A blocking check does not hold; nothing was published."""


class Timings(dict[str, float]):
    """Seconds by step: from the end of the one before to its own."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def end(self, step: str) -> None:
        """``step`` ends now."""
        now = time.monotonic()
        self[step], self._since = round(self.get(step, 0) + now - self._since, 3), now


@dataclass
class Job:
    """One run and what it has found so far."""

    run_id: str
    shop: Shop
    source: sources.Source
    from_date: date
    to_date: date
    lake_dir: Path
    counts: Counts | None = None
    findings: list[Finding] = field(default_factory=list)
    days_published: int = 0
    timings: Timings = field(default_factory=Timings)
    blocks: list[inputs.Block] = field(default_factory=list)


def say(step: str, done: int, total: int, message: str = "", **more: Any) -> None:
    """One progress line."""
    print(json.dumps({"step": step, "done": done, "total": total, "message": message, **more}), flush=True)


def run(job: Job) -> None:
    """The whole run; the order of the steps is the order of the lines.

    Raises:
        Blocked: a blocking check does not hold; the published days stay as they were.
    """
    all_marts = marts.load_all()
    with warehouse.connect(name=f"run {job.run_id}") as connection:
        hold_shop(connection, job)
        connection.execute(f"SET work_mem = '{WORK_MEMORY}'")
        runlog = RunLog(connection, job.run_id, job.shop.shop_id, job.source, job.from_date, job.to_date, all_marts)
        runlog.start()
        try:
            steps(job, connection, runlog, all_marts)
        except Blocked as error:
            runlog.findings(job.findings)
            runlog.finish("blocked", job.counts, str(error), job.timings)
            raise
        except BaseException as error:
            if not connection.closed:
                runlog.finish("failed", job.counts, first_line(error), job.timings)
            raise
        finally:
            if not connection.closed:
                warehouse.drop_staging(connection, job.shop.shop_id)


def hold_shop(connection: psycopg.Connection, job: Job) -> None:
    if not warehouse.lock_shop(connection, job.shop.shop_id, wait=False):
        say("wait", 0, 1, f"shop {job.shop.shop_id} is held by {warehouse.holder(connection, job.shop.shop_id)}; waiting for it")
        warehouse.lock_shop(connection, job.shop.shop_id)


def steps(job: Job, connection: psycopg.Connection, runlog: RunLog, all_marts: list[marts.Mart]) -> None:
    parts = inputs.partitions(job.lake_dir, job.source, job.shop.shop_id, job.from_date, job.to_date)
    runlog.inputs([inputs.lineage(part, job.lake_dir) for part in parts])
    job.timings["ingest"] = inputs.ingest_seconds(parts, job.run_id)
    days = sorted({day for part in parts for day in part.days()})
    say("read", len(parts), len(parts), f"{len(parts)} partitions, {sum(p.manifest.rows for p in parts)} rows")
    if not parts:
        job.counts = Counts()
        runlog.finish("published", job.counts, "no input in the range")
        return
    hold_to_columns(job, parts)
    output = LakeOutput(job.lake_dir, job.source, job.shop.shop_id, job.run_id, days, f"{job.from_date}_{job.to_date}")
    output.clear_scratch()
    try:
        stats, staged_tables = process(job, connection, parts, output, all_marts)
        stop_if_blocked(job)
    except BaseException:
        output.discard()
        raise
    finally:
        output.clear_scratch()
    publish(job, connection, runlog, stats, staged_tables, output)


def hold_to_columns(job: Job, parts: list[inputs.Partition]) -> None:
    """Cut the files into blocks and compare them with the source's columns.

    Raises:
        Blocked: a column is gone, twice in a header, or of another type.
    """
    if job.source.format == "events":
        found = drift.of_schemas([path for part in parts for path in lake.files(part.folder)])
    else:
        job.blocks = inputs.blocks(job.source, parts)
        found = (drift.of_keys if job.source.format == "json" else drift.of_headers)(job.source, job.blocks)
    job.findings += checks.of_the_schema(found)
    stop_if_blocked(job)


def process(
    job: Job, connection: psycopg.Connection, parts: list[inputs.Partition], output: LakeOutput, all_marts: list[marts.Mart]
) -> tuple[list[Any], warehouse.Staging]:
    """Everything up to publication; returns the lake writer's statistics and the filled staging tables."""
    daily, whole = ([mart.table for mart in all_marts if mart.scope == scope] for scope in marts.SCOPES)
    staged_tables = warehouse.create_staging(connection, job.run_id, job.shop.shop_id, [*facts.TABLES, *daily], whole)
    needed = set().union(*(mart.reads() for mart in all_marts if mart.scope == "history"))
    past = history.Past(job.shop.shop_id, history.spans(connection, job.shop.shop_id, output.days, sorted(needed)))
    expected = sum(part.manifest.rows for part in parts)
    job.timings.end("prepare")
    spark = connect.session()
    job.timings.end("spark: session")
    try:
        with connect.cancelled_on_error(spark, job.run_id), connect.progress(spark, lambda done, total: say("spark", done, total)):
            stats, loaded = compute(spark, job, parts, output, all_marts, staged_tables, past, max(1, expected // ROWS_A_TASK))
    finally:
        connect.leave(spark)
    unit = "archived rows" if job.source.format == "events" else "rows"
    job.timings.end("spark: load")
    job.findings += checks.of_the_run(stats, job.counts, expected, unit)
    job.findings += checks.of_the_load(loaded, warehouse.staged_rows(connection, staged_tables))
    every = [*marts.fact_checks(), *(check for mart in all_marts for check in mart.checks)]
    job.findings += checks.of_tables(connection, every, staged_tables)
    job.findings += checks.of_other_days(connection, staged_tables, output.days)
    return stats, staged_tables


def compute(
    spark: SparkSession,
    job: Job,
    parts: list[inputs.Partition],
    output: LakeOutput,
    all_marts: list[marts.Mart],
    staged_tables: warehouse.Staging,
    past: history.Past,
    tasks: int,
) -> tuple[list[Any], dict[str, int]]:
    """The Spark part: rows to the lake, facts and marts to the staging tables; returns the writer's statistics and the rows loaded."""
    say("stage", 0, 1, "reading, casting and checking rows")
    spread = staging.Spread.over(parts, tasks)
    staged = stage(spark, job, parts, spread, len(output.days))
    erased = Suppression(settings()).of_now()
    judge = judging.judged(*staged.verdicts)
    writer = lakewriter.writer(output.events_folders(), output.quarantine_folders(), judge, job.shop.shop_id, erased)
    stats = staged.rows.mapInArrow(writer, lakewriter.STATS).collect()
    job.counts = count(stats)
    job.timings.end("spark: stage")
    say("stage", 1, 1, f"{job.counts.good} good, {job.counts.quarantined} quarantined, {job.counts.excluded} excluded rows")
    events = written_events(spark, job, output, stats, tasks)
    of_events = facts.of_events(events, 1 if spread.whole_days else tasks)
    return stats, load_tables(spark, events, of_events, staged.absent, all_marts, staged_tables, past, few=tasks == 1)


def written_events(spark: SparkSession, job: Job, output: LakeOutput, stats: list[Any], tasks: int) -> DataFrame:
    """The accepted events, read from the files that the run has written: what is computed from them plans and reads them cheaply."""
    ddl = ", ".join(f"{name} {kind}" for name, kind in staging.CONTRACT.items())
    events = facts.with_hour(staging.dated_files(spark, output.events_root, accepted(stats), ddl), job.shop.time_zone)
    # Few rows are kept in one task by the first table that reads them: no table needs a shuffle or a file.
    return events.coalesce(1).localCheckpoint(eager=False).coalesce(1) if tasks == 1 else events


def load_tables(
    spark: SparkSession,
    events: DataFrame,
    of_events: dict[str, DataFrame],
    absent: frozenset[str],
    all_marts: list[marts.Mart],
    staged_tables: warehouse.Staging,
    past: history.Past,
    few: bool,
) -> dict[str, int]:
    """Facts, computed once each unless they are ``few``, and marts to the staging tables; returns the rows loaded."""
    say("load", 0, 1, "facts and marts")
    dsn = settings().postgres_dsn("loader")
    connect.analysed(events)
    with connect.kept(*(() if few else of_events.values())):
        whole = {
            name: past.with_run(spark, name, frame, staged_tables, dsn, few) for name, frame in of_events.items() if name in past.spans
        }
        with connect.named(spark, {"events": events, **of_events}) as of_days, connect.named(spark, whole) as of_history:
            queries = mart_frames(spark, of_days, of_history, absent, all_marts)
            loaded = load.load({**of_events, **queries}, staged_tables, dsn)
    say("load", 1, 1, f"{sum(loaded.values())} rows")
    return loaded


def stage(spark: SparkSession, job: Job, parts: list[inputs.Partition], spread: staging.Spread, days: int) -> staging.Staged:
    if job.source.format == "events":
        raw = staging.archived(spark, parts[0].folder.parent, [path for part in parts for path in lake.files(part.folder)])
    else:
        raw = staging.raw_lines(spark, job.source, job.blocks, job.shop, spread)
    return staging.stage(spark, job.source, raw, job.shop, spread, days)


def count(stats: list[Any]) -> Counts:
    by_state = {state: sum(row["inputs"] for row in stats if row["state"] == state) for state in ("good", "quarantined", "excluded")}
    return Counts(**by_state)


def mart_frames(
    spark: SparkSession, of_days: dict[str, str], of_history: dict[str, str], absent: frozenset[str], all_marts: list[marts.Mart]
) -> dict[str, DataFrame]:
    """The frame of every mart.

    It reads views: of the run's events and facts or, for one over the whole history, of the facts of all published days.
    """
    given = {f"has_{name}": name not in absent for name in staging.OPTIONAL}
    views = {"day": of_days, "history": of_history}
    return {mart.table: spark.sql(mart.query.format(**views[mart.scope]), args=given) for mart in all_marts}


def stop_if_blocked(job: Job) -> None:
    if stopped := checks.blocked(job.findings):
        raise Blocked("; ".join(f"{f.name}{f' on {f.day}' if f.day else ''}: {f.value} ({f.detail})" for f in stopped[:5]))


def publish(
    job: Job, connection: psycopg.Connection, runlog: RunLog, stats: list[Any], tables: warehouse.Staging, output: LakeOutput
) -> None:
    """Publish the lake's manifests, then all tables of all days in one transaction."""
    say("publish", 0, 1, f"{len(output.days)} days")
    job.timings.end("checks")
    held_back = quarantined(stats)
    output.publish(stats)
    job.timings.end("lake")
    with connection.transaction():
        row_changes = warehouse.replace_days(connection, tables, output.days)
        warehouse.refresh_dimensions(connection, tables, job.shop, output.days)
        runlog.quarantine(output.days, sorted({row[1] for row in held_back}), held_back)
        runlog.findings(job.findings)
        job.days_published = runlog.days(output.days, row_changes)
        job.timings.end("publish")
        runlog.finish("published", job.counts, steps=job.timings)
    say("publish", 1, 1, f"{job.days_published} days published")


def first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.partition("\n\nJVM stacktrace")[0][:1000]


def parse(arguments: list[str]) -> Job:
    """The job that the command line describes.

    Raises:
        ConfigError, sources.SourceError: the shop or the source is not usable.
        SystemExit: the arguments are not of the form.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-id", required=True, help="name of the run, unique; a retry of a run has its id")
    parser.add_argument("--shop", required=True, help="shop id of shops.toml")
    parser.add_argument("--source", required=True, help="name below spark/sources, or a folder (with a /)")
    parser.add_argument("--from", required=True, dest="from_date", type=date.fromisoformat, help="first shop-day, YYYY-MM-DD")
    parser.add_argument("--to", required=True, dest="to_date", type=date.fromisoformat, help="last shop-day, inclusive")
    parser.add_argument("--lake", type=Path, default=None, help="root of the lake (default: the setting)")
    found = parser.parse_args(arguments)
    if found.from_date > found.to_date:
        parser.error(f"--from {found.from_date} is after --to {found.to_date}: swap them")
    lake_dir = (found.lake or settings().lake_dir).resolve()
    return Job(found.run_id, find_shop(found.shop), sources.load(found.source), found.from_date, found.to_date, lake_dir)


def end(status: str, job: Job | None, message: str = "") -> None:
    """The last line of the protocol."""
    columns = (job.counts if job and job.counts else Counts()).as_columns()
    say("done", 1, 1, message, status=status, days=job.days_published if job else 0, **columns)


def main(arguments: list[str]) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # spark-submit sends both streams to stdout: the last line must be the protocol's.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped by SIGTERM"))
    job = None
    try:
        job = parse(arguments)
        run(job)
    except Blocked as error:
        end("blocked", job, str(error))
        return 3
    except (ConfigError, sources.SourceError, marts.MartError) as error:
        end("failed", job, str(error))
        return 2
    except Exception as error:
        log.exception("the run failed")
        end("failed", job, first_line(error))
        return 1
    end("published", job)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
