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
from functools import partial
from pathlib import Path
from typing import Any

import checks
import connect
import drift
import facts
import facts_frames
import factwriter
import grouping
import history
import inputs
import judging
import lakewriter
import load
import marts
import psycopg
import sessioning
import sources
import staging
from background import Background
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
for on_executors in (facts, factwriter, grouping, history, lakewriter, load, sessioning):
    register_pickle_by_value(on_executors)

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
        process(job, connection, runlog, parts, output, all_marts)
    except BaseException:
        output.discard()
        raise
    finally:
        output.clear_scratch()


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
    job: Job,
    connection: psycopg.Connection,
    runlog: RunLog,
    parts: list[inputs.Partition],
    output: LakeOutput,
    all_marts: list[marts.Mart],
) -> None:
    """Rows to the lake and facts, then marts while the facts are published, then all the rest: one transaction."""
    daily, whole = ([mart.table for mart in all_marts if mart.scope == scope] for scope in marts.SCOPES)
    tables = warehouse.create_staging(connection, job.run_id, job.shop.shop_id, [*facts.TABLES, *daily], whole)
    needed = set().union(*(mart.reads() for mart in all_marts if mart.scope == "history"))
    past = history.Past(job.shop.shop_id, history.spans(connection, job.shop.shop_id, output.days, sorted(needed)))
    every = [*marts.fact_checks(), *(check for mart in all_marts for check in mart.checks)]
    of_facts = [check for check in every if check.reads() <= set(facts.TABLES)]
    job.timings.end("prepare")
    spark = connect.session()
    job.timings.end("spark: session")
    with connect.left(spark), connect.cancelled_on_error(spark, job.run_id), connect.progress(spark, lambda *tasks: say("spark", *tasks)):
        staged = stage(spark, job, parts, output, tables)
        job.findings += checks.of_the_run(staged.stats, job.counts, sum(part.manifest.rows for part in parts), staged.unit)
        stop_if_blocked(job)
        job.timings.end("spark: stage")
        with connection.transaction():
            with Background(connection) as background:
                published = background.do(publish_facts, job, connection, tables, output.days, staged.loaded, of_facts)
                loaded = load_marts(spark, job, staged, all_marts, tables, past)
                job.timings.end("spark: load")
            job.findings += checks.of_the_load(loaded, warehouse.staged_rows(connection, tables, loaded))
            job.findings += checks.of_tables(connection, [check for check in every if check not in of_facts], tables, loaded)
            stop_if_blocked(job)
            job.timings.end("checks")
            publish(job, connection, runlog, staged.stats, tables, output, published.result(), list(loaded))


@dataclass(frozen=True)
class Staged:
    """What the lake writer has written: its statistics, the contract's columns that the source lacks, and files by frame.

    ``loaded``: the rows of each fact table in its staging table; ``few``: all rows lie in one task.
    """

    stats: list[Any]
    unit: str
    absent: frozenset[str]
    events: DataFrame
    facts: dict[str, DataFrame]
    loaded: dict[str, int]
    few: bool


def stage(spark: SparkSession, job: Job, parts: list[inputs.Partition], output: LakeOutput, tables: warehouse.Staging) -> Staged:
    """Rows to the lake, and facts to the staging tables and to files for the marts."""
    say("stage", 0, 1, "reading, casting and checking rows")
    tasks = max(1, sum(part.manifest.rows for part in parts) // ROWS_A_TASK)
    spread = staging.Spread.over(parts, tasks)
    rows = staged_rows(spark, job, parts, spread, len(output.days))
    together = spread.day_in_one_task(len(output.days))
    keeper = partial(factwriter.keeper, folder=str(output.facts_root), staging=tables, dsn=settings().postgres_dsn("loader"))
    writer = lakewriter.writer(
        output.events_folders(),
        output.quarantine_folders(),
        judging.judged(*rows.verdicts),
        job.shop.shop_id,
        Suppression(settings()).of_now(),
        keeper(facts.TABLES if together else facts.OF_EVENTS),
    )
    found = rows.rows.mapInArrow(writer, lakewriter.STATS).collect()
    stats = [row for row in found if row["state"] != factwriter.STATE]
    job.counts = count(stats)
    events = facts_frames.events(spark, output.events_root, accepted(stats), job.shop.time_zone)
    connect.analysed(events)
    if not together:
        found += facts_frames.of_visits(events, tasks, keeper)
    of_facts = [row for row in found if row["state"] == factwriter.STATE]
    few = tasks == 1
    frames = facts_frames.kept(spark, tables.schemas, of_facts)
    loaded = {name: sum(row["rows"] for row in of_facts if row["name"] == name) for name in facts.TABLES}
    say("stage", 1, 1, f"{job.counts.good} good, {job.counts.quarantined} quarantined, {job.counts.excluded} excluded rows")
    unit = "archived rows" if job.source.format == "events" else "rows"
    return Staged(stats, unit, rows.absent, events, frames, loaded, few)


def publish_facts(
    job: Job,
    connection: psycopg.Connection,
    tables: warehouse.Staging,
    days: list[date],
    loaded: dict[str, int],
    of_facts: list[marts.Check],
) -> dict[date, dict[str, Any]]:
    """Check the facts and put them in their days' place; returns what warehouse.replace_days does."""
    job.findings += checks.of_the_load(loaded, warehouse.staged_rows(connection, tables, loaded))
    job.findings += checks.of_tables(connection, of_facts, tables, loaded)
    job.findings += checks.of_other_days(connection, tables, days)
    stop_if_blocked(job)
    changes = warehouse.replace_days(connection, tables, days, loaded)
    warehouse.refresh_dimensions(connection, tables, job.shop, days, loaded)
    return changes


def load_marts(
    spark: SparkSession, job: Job, staged: Staged, all_marts: list[marts.Mart], tables: warehouse.Staging, past: history.Past
) -> dict[str, int]:
    """Marts to the staging tables; returns the rows loaded."""
    say("load", 0, 1, "marts; facts are published meanwhile")
    dsn = settings().postgres_dsn("loader")
    given = {"events": staged.events, **staged.facts}
    of_days = {name: frame.coalesce(1) for name, frame in given.items()} if staged.few else given
    whole = {name: past.with_run(spark, name, of_days[name], tables, dsn, staged.few) for name in past.spans}
    with connect.named(spark, of_days) as of_the_days, connect.named(spark, whole) as of_history:
        loaded = load.load(mart_frames(spark, of_the_days, of_history, staged.absent, all_marts), tables, dsn)
    say("load", 1, 1, f"{sum(loaded.values())} rows")
    return loaded


def staged_rows(spark: SparkSession, job: Job, parts: list[inputs.Partition], spread: staging.Spread, days: int) -> staging.Staged:
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
    job: Job,
    connection: psycopg.Connection,
    runlog: RunLog,
    stats: list[Any],
    tables: warehouse.Staging,
    output: LakeOutput,
    row_changes: dict[date, dict[str, Any]],
    loaded: list[str],
) -> None:
    """Publish the lake's manifests, and in the transaction of the facts the marts ``loaded`` and the run's record."""
    say("publish", 0, 1, f"{len(output.days)} days")
    warehouse.replace_days(connection, tables, output.days, loaded)
    warehouse.refresh_dimensions(connection, tables, job.shop, output.days, loaded)
    held_back = quarantined(stats)
    runlog.quarantine(output.days, sorted({row[1] for row in held_back}), held_back)
    runlog.findings(job.findings)
    job.days_published = runlog.days(output.days, row_changes)
    job.timings.end("publish")
    output.publish(stats)
    job.timings.end("lake")
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
