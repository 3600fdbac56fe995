"""``python -m benchmarks.batch [--quick] [--only NAME]``: run the comparisons and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.batch import airflow_overhead, report, rivals, world
from ecommerce import runs
from ecommerce.config import Settings, settings
from ecommerce.local import servers

LINES, QUICK_LINES = 1_000_000, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and once: does it work? Writes nothing unless --write.")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="these parts alone; writes nothing")
    parser.add_argument("--lines", type=int, help="order lines of the day")
    parser.add_argument("--repetitions", type=int, help="of each way (default 5)")
    parser.add_argument("--write", action="store_true", help="write the page after a quick run, too")
    asked = parser.parse_args()
    result = report.Result(
        asked.lines or (QUICK_LINES if asked.quick else LINES), asked.repetitions or (1 if asked.quick else 5), asked.quick
    )
    jar, packages = rivals.fetched(settings().var_dir / "bench")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as folder, world.platform(Path(folder)) as own:
        for part in asked.only or PARTS:
            say(began, part)
            PARTS[part](result, own, Path(folder), jar, packages)
    print(report.section(result))
    if not asked.only and (asked.write or not asked.quick):
        report.write(result)


def say(began: float, text: str) -> None:
    print(f"[{time.monotonic() - began:5.0f} s] {text}", flush=True)


def job(result: report.Result, own: Settings, folder: Path, jar: Path, packages: Path) -> None:
    """The whole job, from the lake's Parquet to committed and indexed rows and marts."""
    world.write_day(own, result.lines)
    with servers.running(own, "spark"):
        world.job(own)  # the session's first run compiles what all later ones use
        warm, duck = world.medians(result.repetitions, warm=lambda: rivals.ours_warm(own), duckdb=lambda: rivals.duckdb(own, packages))
    cold, usual = world.medians(result.repetitions, cold=lambda: rivals.ours_cold(own), jdbc=lambda: rivals.jdbc(own, jar))
    ours = "checks, quarantine, lake, dimensions and history marts included, which the rival does not do"
    result.rows += [
        report.Row(
            "Spark + JDBC writer, our Connect server up", warm, usual, 0.35, f"the same facts and marts, reWriteBatchedInserts; {ours}"
        ),
        report.Row("Spark + JDBC writer, ours started cold", cold, usual, 0.7, "from the Connect server's start"),
        report.Row("DuckDB + ATTACH, our Connect server up", warm, duck, 2.0, f"the marts that translate; {ours}"),
    ]
    if not result.quick:
        result.notes.append(_crossing(own, packages))


def _crossing(own: Settings, packages: Path) -> str:
    """Does Spark overtake DuckDB on this machine? One repetition at three million lines."""
    world.write_day(own, 3 * LINES)
    with servers.running(own, "spark"):
        world.job(own)
        ours, theirs = rivals.ours_warm(own), rivals.duckdb(own, packages)
    world.write_day(own, LINES)
    verdict = "Spark is ahead there" if ours < theirs else "there is no crossing point up to there on this machine"
    return f"at 3,000,000 lines ours takes {ours:.1f} s, DuckDB {theirs:.1f} s: {verdict}"


def load(result: report.Result, own: Settings, folder: Path, jar: Path, packages: Path) -> None:
    """The load step alone."""
    _loaded(result, own)
    step = rivals.Load(own, folder)
    ours, bare = world.medians(result.repetitions, load=step.ours, copy=step.bare)
    result.rows.append(report.Row("bare COPY of a ready CSV", ours, bare, 1.3, "fct_order_line from Arrow, one connection, unlogged table"))


def publish(result: report.Result, own: Settings, folder: Path, jar: Path, packages: Path) -> None:
    """Replacing a day that is published, under a reader."""
    _loaded(result, own)
    table, ways = rivals.Load(own, folder).table, rivals.Publication(own)
    found = [(ways.ours(), ways.straight(table)) for _ in range(result.repetitions)]
    ours, theirs = median(one[0][0] for one in found), median(one[1][0] for one in found)
    result.rows.append(
        report.Row(
            "publishing by DELETE + INSERT straight into the table", ours, theirs, 0.7, "fct_order_line of a day that is published already"
        )
    )
    longest = median(one[0][1] for one in found) * 1000
    result.notes.append(
        f"a reader's longest answer while the day is replaced: {longest:.0f} ms (goal 50 ms more than its usual; it waits for no lock)"
    )


def _loaded(result: report.Result, own: Settings) -> None:
    """The day, published."""
    import psycopg

    with psycopg.connect(own.postgres_dsn("reader")) as connection:
        rows = connection.execute("SELECT count(*) FROM warehouse.fct_order_line WHERE date = %s", (world.DAY,)).fetchone()[0]
    if rows != result.lines:
        world.write_day(own, result.lines)
        world.wipe(own)
        with servers.running(own, "spark"):
            world.job(own)


def growth(result: report.Result, own: Settings, folder: Path, jar: Path, packages: Path) -> None:
    """Rows of a day, and days of a job."""
    sizes = (2_000, 20_000) if result.quick else (10_000, 100_000, 1_000_000, 5_000_000)
    ranges = (1, 3) if result.quick else (1, 30, 365)
    with servers.started(own, "spark") as server:
        for rows in sizes:
            world.write_day(own, rows)
            world.wipe(own)
            with world.Peak(server.pid) as peak:
                took = world.job(own)
            result.by_rows.append((rows, took, peak.bytes / 2**20))
            result.steps[rows] = runs.show(own, runs.listing(own, limit=1)[0]["run_id"])["steps"]
        for number in ranges:
            first, last = world.days(number)
            for day in range(number):
                world.write_day(own, 3_000, world.days(day + 1)[1])
            world.wipe(own)
            result.by_days.append((number, world.job(own, first, last)))


def airflow(result: report.Result, own: Settings, folder: Path, jar: Path, packages: Path) -> None:
    """Airflow's time between two tasks."""
    runs = 1 if result.quick else 5
    ours = airflow_overhead.per_task(own, folder / "airflow-ours", False, runs)
    theirs = airflow_overhead.per_task(own, folder / "airflow-defaults", True, runs)
    note = f"from a task's end to the next one's start, chains of {airflow_overhead.TASKS} tasks"
    result.rows.append(report.Row("Airflow's own overhead per task, defaults", ours, theirs, 0.3, note))


PARTS: dict[str, Callable[..., None]] = {"job": job, "load": load, "publish": publish, "growth": growth, "airflow": airflow}

if __name__ == "__main__":
    main()
