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
from collections.abc import Callable
from contextlib import ExitStack
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
from publishing import Publishing
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
        except checks.Blocked as error:
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
    checks.stop_if_blocked(job.findings)


def process(
    job: Job,
    connection: psycopg.Connection,
    runlog: RunLog,
    parts: list[inputs.Partition],
    output: LakeOutput,
    all_marts: list[marts.Mart],
) -> None:
    """Rows to the lake and facts; then marts, while the facts are published; then all the rest, in one transaction."""
    daily, whole = ([mart.table for mart in all_marts if mart.scope == scope] for scope in marts.SCOPES)
    tables = warehouse.create_staging(connection, job.run_id, job.shop.shop_id, [*facts.TABLES, *daily], whole)
    needed = set().union(*(mart.reads() for mart in all_marts if mart.scope == "history"))
    past = history.Past(job.shop.shop_id, history.spans(connection, job.shop.shop_id, output.days, sorted(needed)))
    asked = [*marts.fact_checks(), *(check for mart in all_marts for check in mart.checks)]
    job.timings.end("prepare")
    spark = connect.session()
    job.timings.end("spark: session")
    with connect.left(spark), connect.cancelled_on_error(spark, job.run_id), connect.progress(spark, lambda *tasks: say("spark", *tasks)):
        staged = stage(spark, job, parts, output, tables, connection)
        job.timings.end("spark: stage")
        with connection.transaction():
            publishing = Publishing(connection, tables, job.shop, output.days, asked, job.findings)
            with Background(connection) as background:
                background.do(publishing.both, staged.loaded)
                loaded = load_marts(spark, job, staged, all_marts, tables, past, output, partial(background.do, publishing.both))
                job.timings.end("spark: load")
            job.timings.end("facts")
            publishing.check(loaded)
            job.timings.end("checks")
            publish(job, runlog, publishing, loaded, staged.stats, output)


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
        checks.Blocked: the rows are not what ingest counted, or not what the source says.
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


def load_marts(
    spark: SparkSession,
    job: Job,
    staged: Staged,
    all_marts: list[marts.Mart],
    tables: warehouse.Staging,
    past: history.Past,
    output: LakeOutput,
    visits_loaded: Callable[[dict[str, int]], object],
) -> dict[str, int]:
    """Marts to the staging tables; returns the rows loaded.

    Where the lake writer had no day whole, the facts of visits are computed now, and at the same time the marts that need none of
    them; ``visits_loaded`` gets the visits' rows.
    """
    say("load", 0, 1, "marts; facts are published meanwhile")
    with (
        Views(spark, tables, past, few=staged.spread.tasks == 1) as views,
        load.Loading(spark, job.run_id, tables, settings().postgres_dsn("loader")) as loading,
    ):
        wanted = list(all_marts)

        def begin() -> None:
            """Have those marts loaded whose frames are all there."""
            now = [mart for mart in wanted if mart.reads() <= views.names()]
            frames = mart_frames(spark, views.of_days, views.of_history, staged.absent, now)
            for kind in sorted({(not mart.slow, mart.scope) for mart in now}):
                loading.begin({mart.table: frames[mart.table] for mart in now if (not mart.slow, mart.scope) == kind})
            wanted[:] = [mart for mart in wanted if mart not in now]

        visits = None
        if not set(facts.OF_VISITS) <= staged.facts.keys():
            visits = loading.do(facts_frames.of_visits, staged.events, staged.spread.tasks, partial(keeper, output=output, tables=tables))
        views.add({"events": staged.events, **staged.facts})
        begin()
        if visits:
            visits_loaded(facts_frames.loaded(facts.OF_VISITS, visits.result()))
            views.add(facts_frames.kept(spark, tables.schemas, facts.OF_VISITS, visits.result(), job.shop.time_zone))
            begin()
        loaded = loading.rows()
    say("load", 1, 1, f"{sum(loaded.values())} rows")
    return loaded


class Views:
    """Temporary views of frames as marts of a day read them, and as those of the whole history do; gone at the end.

    ``of_days``, ``of_history``: the view's name for each frame. ``few``: each frame lies in one task.
    """

    def __init__(self, spark: SparkSession, tables: warehouse.Staging, past: history.Past, few: bool) -> None:
        self._spark, self._tables, self._past, self._few = spark, tables, past, few
        self._stack = ExitStack()
        self.of_days: dict[str, str] = {}
        self.of_history: dict[str, str] = {}

    def add(self, frames: dict[str, DataFrame]) -> None:
        """Name ``frames``."""
        of_days = {name: frame.coalesce(1) for name, frame in frames.items()} if self._few else frames
        dsn = settings().postgres_dsn("loader")
        whole = {
            name: self._past.with_run(self._spark, name, frame, self._tables, dsn, self._few)
            for name, frame in of_days.items()
            if name in self._past.spans
        }
        self.of_days |= self._stack.enter_context(connect.named(self._spark, of_days))
        self.of_history |= self._stack.enter_context(connect.named(self._spark, whole))

    def names(self) -> set[str]:
        return {*self.of_days, *self.of_history}

    def __enter__(self) -> Views:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.close()


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


def publish(job: Job, runlog: RunLog, publishing: Publishing, loaded: dict[str, int], stats: list[Any], output: LakeOutput) -> None:
    """Publish the checked marts ``loaded``, the run's record, and the lake's manifests."""
    say("publish", 0, 1, f"{len(output.days)} days")
    publishing.replace(loaded)
    held_back = quarantined(stats)
    runlog.quarantine(output.days, sorted({row[1] for row in held_back}), held_back)
    runlog.findings(job.findings)
    job.days_published = runlog.days(output.days, publishing.row_changes)
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
    except checks.Blocked as error:
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
