"""The batch job of one shop and one range of days: lake > staging > facts > marts > checks > warehouse.

Usage: batch_processing.py --run-id R --shop S --source NAME_OR_FOLDER --from D --to D [--lake DIR]
Progress goes to stdout, one JSON object a line; logs go to stderr.
Exit codes: 0 published, 1 failed, 2 bad arguments or configuration, 3 stopped by a check.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import checks
import connect
import drift
import facts
import factwriter
import grouping
import history
import inputs
import lakestep
import lakewriter
import load
import marts
import martstep
import psycopg
import sessioning
import sources
from background import Background
from job import Job, say
from lakeout import LakeOutput, quarantined
from publishing import Publishing
from pyspark.cloudpickle import register_pickle_by_value
from runlog import Counts, RunLog

from ecommerce import lake, warehouse
from ecommerce.config import ConfigError, settings
from ecommerce.shops import shop as find_shop

log = logging.getLogger("batch")
for on_executors in (facts, factwriter, grouping, history, lakewriter, load, sessioning):
    register_pickle_by_value(on_executors)


def run(job: Job) -> None:
    """The whole run; the order of the steps is the order of the lines.

    Raises:
        Blocked: a blocking check does not hold; the published days stay as they were.
    """
    all_marts = marts.load_all()
    with warehouse.connect(name=f"run {job.run_id}") as connection:
        hold_shop(connection, job)
        connection.execute(f"SET work_mem = '{warehouse.WORK_MEMORY}'")
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
    runlog.inputs([inputs.lineage(part, job.lake_dir, job.source) for part in parts])
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
        if "publish" not in job.timings:  # from then on the lake's manifests may name the files
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
        staged = lakestep.stage(spark, job, parts, output, tables, connection)
        job.timings.end("spark: stage")
        with connection.transaction():
            publishing = Publishing(connection, tables, job.shop, output.days, asked, job.findings)
            with Background(connection) as background:
                background.do(publishing.both, staged.loaded)
                loaded = martstep.load_marts(spark, job, staged, all_marts, tables, past, output, partial(background.do, publishing.both))
                job.timings.end("spark: load")
            job.timings.end("facts")
            publishing.check(loaded)
            job.timings.end("checks")
            publish(job, runlog, publishing, loaded, staged.stats, output)


def publish(job: Job, runlog: RunLog, publishing: Publishing, loaded: dict[str, int], stats: list[Any], output: LakeOutput) -> None:
    """Publish the checked marts ``loaded``, the run's record, and the lake's manifests."""
    say("publish", 0, 1, f"{len(output.days)} days")
    publishing.replace(loaded)
    runlog.quarantine(output.days, quarantined(stats))
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
