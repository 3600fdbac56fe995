"""``python -m benchmarks.batch [--quick | --full] [--only NAME]``: run the comparisons and write docs/benchmarks.md.

With ``--only`` the other parts on the page are those of earlier runs, kept in var/bench/batch.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.batch import airflow_overhead, report, rivals, world
from ecommerce import runs
from ecommerce.config import Settings, settings
from ecommerce.local import servers

BEGAN = time.monotonic()
WARM_UP = 5
"""Jobs after which a Connect server counts as warm: Java compiles what it runs often, most of it in a server's first jobs."""
BESIDES = "checks, quarantine, lake, dimensions and history marts included, which the rival does not do"


@dataclass(frozen=True)
class Size:
    """How large a run is: ``cold`` repetitions of cold starts; ``rows`` and ``days`` that a job grows over; ``year``: of the simulated shop, or three days."""

    lines: int
    repetitions: int
    cold: int
    rows: tuple[int, ...]
    days: tuple[int, ...]
    year: bool


FULL = Size(1_000_000, 5, 5, (10_000, 100_000, 1_000_000, 5_000_000), (1, 30, 365), True)
USUAL = Size(1_000_000, 5, 5, (10_000, 100_000, 1_000_000), (1, 30), True)
QUICK = Size(20_000, 1, 1, (2_000, 20_000), (1, 3), False)


@dataclass(frozen=True)
class Bench:
    """What a part works with; it adds to ``result``."""

    result: report.Result
    own: Settings
    folder: Path
    jar: Path
    packages: Path
    size: Size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny and once: does it work? writes nothing")
    parser.add_argument("--full", action="store_true", help="growth to 5,000,000 rows and 365 days, too")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="these parts alone, into the page of the others")
    parser.add_argument("--lines", type=int, help="order lines of the day")
    parser.add_argument("--repetitions", type=int, help="of each way (default 5)")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL if asked.full else USUAL
    cache = settings().var_dir / "bench"
    jar, packages = rivals.fetched(cache)
    found, failed = report.kept(cache) if asked.only and not asked.quick else {}, []
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as folder, world.platform(Path(folder)) as own:
        for part in asked.only or PARTS:
            say(part)
            found[part] = result = report.Result(asked.lines or size.lines, asked.repetitions or size.repetitions, asked.quick)
            try:
                PARTS[part](Bench(result, own, Path(folder), jar, packages, size))
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                failed.append(part)
                result.notes.append(f"part {part} did not end: {str(error).strip().splitlines()[0][:200]}")
            if not asked.quick:
                report.keep(cache, found)
                report.write(report.together([found[name] for name in PARTS if name in found]))
    print(report.section(report.together(list(found.values()))))
    sys.exit(f"did not end: {', '.join(failed)}" if failed else 0)


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:5.0f} s] {text}", flush=True)


def duckdb(bench: Bench) -> None:
    """The whole job, from the lake's Parquet to committed and indexed rows and marts, on a warm server; DuckDB's."""
    result, own = bench.result, bench.own
    world.write_day(own, result.lines)
    with servers.running(own, "spark"):
        _warm_up(bench)
        duck, warm = world.medians(
            result.repetitions, duckdb=lambda: rivals.duckdb(own, bench.packages), warm=lambda: rivals.ours_warm(own)
        )
        steps = _steps(own)
    note = f"the same facts and marts in its SQL; {BESIDES}"
    result.rows.append(report.Row("DuckDB + ATTACH, our Connect server up", warm, duck, 2.0, note))
    result.notes.append(f"our Connect server up: it has run {WARM_UP} such jobs before")
    result.notes.append(f"where ours spends its time, server up, s: {', '.join(f'{name} {took:.1f}' for name, took in steps.items())}")


def jdbc(bench: Bench) -> None:
    """The whole job, the server up and from a cold start; Spark with its JDBC writer."""
    result, own, jar = bench.result, bench.own, bench.jar
    world.write_day(own, result.lines)
    with servers.running(own, "spark"):
        _warm_up(bench)
        (warm,) = world.medians(result.repetitions, warm=lambda: rivals.ours_warm(own))
    cold, usual = world.medians(bench.size.cold, cold=lambda: rivals.ours_cold(own), jdbc=lambda: rivals.jdbc(own, jar))
    one = f"the same facts and marts, each table a frame that Spark writes, events and facts cached, reWriteBatchedInserts; {BESIDES}"
    result.rows += [
        report.Row("Spark + JDBC writer, our Connect server up", warm, usual, 0.35, one),
        report.Row("Spark + JDBC writer, ours started cold", cold, usual, 0.7, "ours from the Connect server's start"),
    ]


def _warm_up(bench: Bench) -> None:
    for _ in range(1 if bench.result.quick else WARM_UP):
        rivals.ours_warm(bench.own)


def load(bench: Bench) -> None:
    """The load step alone."""
    result = bench.result
    _loaded(bench)
    step = rivals.Load(bench.own, bench.folder)
    ours, bare = world.medians(result.repetitions, load=step.ours, copy=step.bare)
    result.rows.append(report.Row("bare COPY of a ready CSV", ours, bare, 1.3, "fct_order_line from Arrow, one connection, unlogged table"))


def publish(bench: Bench) -> None:
    """Publishing the staged rows of a day, under a reader."""
    result = bench.result
    _loaded(bench)
    ways = rivals.Publication(bench.own)
    longest = {"ours": 0.0, "theirs": 0.0}
    for what, change, published, goal in (
        ("publishing a day again, a row in a hundred changed: DELETE + INSERT", "hashtext(event_id) % 100 = 0", True, 0.7),
        ("publishing a day again, nothing changed: DELETE + INSERT", "false", True, 0.7),
        ("publishing a day for the first time: DELETE + INSERT", "false", False, None),
    ):
        found = [(ways.took(True, change, published), ways.took(False, change, published)) for _ in range(result.repetitions)]
        ours, theirs = median(one[0][0] for one in found), median(one[1][0] for one in found)
        longest = {name: max(longest[name], *(one[way][1] for one in found)) for way, name in enumerate(longest)}
        result.rows.append(report.Row(what, ours, theirs, goal, "the transaction that takes staged order lines into fct_order_line"))
    waits = f"{longest['ours'] * 1000:.0f} ms, by DELETE + INSERT {longest['theirs'] * 1000:.0f} ms"
    result.notes.append(
        f"a reader's longest answer while a day is published: {waits} (goal 50 ms); it waits for no lock, but shares the cores"
    )


def _loaded(bench: Bench) -> None:
    """The day, published."""
    result, own = bench.result, bench.own
    with psycopg.connect(own.postgres_dsn("reader")) as connection:
        rows = connection.execute("SELECT count(*) FROM warehouse.fct_order_line WHERE date = %s", (world.DAY,)).fetchone()[0]
    if rows != result.lines:
        world.write_day(own, result.lines)
        world.wipe(own)
        with servers.running(own, "spark"):
            world.job(own)


def rows(bench: Bench) -> None:
    """A day of more and more rows, and DuckDB's time for it."""
    result, own = bench.result, bench.own
    own = replace(own, spark_driver_memory=Settings().spark_driver_memory)
    with servers.started(own, "spark") as server:
        _first_job(own, bench.size.rows[0])
        for number in bench.size.rows:
            world.write_day(own, number)
            world.wipe(own)
            with world.Peak(server.pid) as peak:
                took = world.job(own)
            result.steps[number] = _steps(own)
            result.by_rows.append((number, took, peak.bytes / 2**20, rivals.duckdb(own, bench.packages)))


def _first_job(own: Settings, lines: int) -> None:
    """What a server's first job compiles is no cost of rows."""
    world.write_day(own, lines)
    world.wipe(own)
    world.job(own)


def _steps(own: Settings) -> dict[str, float]:
    """Seconds of each step of the last run."""
    return runs.show(own, runs.listing(own, limit=1)[0]["run_id"])["steps"]


def days(bench: Bench) -> None:
    """A job of more and more days."""
    result, own = bench.result, bench.own
    with servers.running(own, "spark"):
        _first_job(own, 3_000)
        for number in bench.size.days:
            first, last = world.days(number)
            for day in range(number):
                world.write_day(own, 3_000, world.days(day + 1)[1])
            world.wipe(own)
            result.by_days.append((number, world.job(own, first, last)))


def year(bench: Bench) -> None:
    """A year of the simulated shop as one range."""
    result, own = bench.result, replace(bench.own, spark_driver_memory=Settings().spark_driver_memory)
    first, last = world.YEAR
    last = last if bench.size.year else first + timedelta(days=2)
    world.simulate(first, last)
    with servers.started(own, "spark") as server:
        world.wipe(own)
        world.job(own, first, first, "simulated")
        world.wipe(own)
        with world.Peak(server.pid) as peak:
            took = world.job(own, first, last, "simulated")
    run = runs.listing(own, limit=1)[0]
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in _steps(own).items() if seconds >= 0.1)
    result.notes.append(
        f"{(last - first).days + 1} days of the simulated shop, {run['rows_in']:,} rows, as one range, the server up and a day run before: "
        f"{took:.0f} s (goal for 365 days 180 s; {steps}), {peak.bytes / 2**20:.0f} MiB, heap {own.spark_driver_memory}"
    )


def airflow(bench: Bench) -> None:
    """Airflow's time between two tasks."""
    ours = airflow_overhead.per_task(bench.own, bench.folder / "airflow-ours", False, bench.size.cold)
    theirs = airflow_overhead.per_task(bench.own, bench.folder / "airflow-defaults", True, bench.size.cold)
    note = f"from a task's end to the next one's start, chains of {airflow_overhead.TASKS} tasks"
    bench.result.rows.append(report.Row("Airflow's own overhead per task, defaults", ours, theirs, 0.3, note))


PARTS: dict[str, Callable[..., None]] = {
    "jdbc": jdbc,
    "duckdb": duckdb,
    "load": load,
    "publish": publish,
    "rows": rows,
    "days": days,
    "year": year,
    "airflow": airflow,
}

if __name__ == "__main__":
    main()
