"""The batch run of one shop and one range of days: plan > ingest > process > publish-check > notify.

Airflow's tasks and ``ecommerce etl`` call the same functions; Spark runs as a child process.
What only one step needs is imported there: Airflow loads this module anew for every task.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from ecommerce import lake, metrics
from ecommerce.batch_run import Run, new_run_id
from ecommerce.config import PROJECT_DIR, settings
from ecommerce.errors import PlatformError
from ecommerce.inert import one_line
from ecommerce.origins import FROM_EVENTS, Origin, origins
from ecommerce.shops import shop as find_shop

AUTO = "auto"
NOTICES_A_RUN = 31

Progress = Callable[[dict[str, Any]], None]


class EtlError(PlatformError):
    """A batch run cannot start or did not end well; the message names the cause and the remedy.

    ``exit_code`` is the batch job's where one ran: 1 failed, 2 bad arguments or source, 3 stopped by a check.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def plan(shop_id: str, from_date: date, to_date: date, source: str = AUTO, input: str = "", seed: int | None = None) -> list[Run]:
    """The runs that cover the range: one for each stretch of days with the same source.

    ``source`` auto takes, day by day, the files' source that the day (or, where it was never published, the one before
    it) was last published from, the archive where real traffic came, else the simulator. Files that landed together
    are read again together.

    Raises:
        ConfigError: the shop is unknown.
        EtlError: the range is empty or not over, it would simulate days that have or had real traffic, or it is
            a part of days whose files landed together.
    """
    shop = find_shop(shop_id)
    if from_date > to_date:
        raise EtlError(f"from {from_date} is after to {to_date}: swap them")
    if to_date >= shop.today():
        raise EtlError(f"{to_date} is not over in {shop.time_zone}: the last day that can be run is {shop.today() - timedelta(days=1)}")
    if source == AUTO and input:
        raise EtlError("--input needs --source: name how to read the files (see docs/sources.md)")
    seed = settings().seed if seed is None else seed
    days = [from_date + timedelta(days=n) for n in range((to_date - from_date).days + 1)]
    known = {} if source == "kafka" else origins(settings(), shop_id, from_date, to_date)
    archived = set(lake.days(settings().lake_dir, "kafka", shop_id))
    if source == "simulated" and (real := sorted(day for day in days if day in archived or _from_kafka(known, day))):
        raise EtlError(f"shop {shop_id} has real traffic on {real[0]}: a day with real traffic is never simulated; use --source kafka")
    landed = {} if input else known  # newer files land on their own
    chosen = [(day, _choose(shop_id, day, archived, known) if source == AUTO else _given(source, landed.get(day))) for day in days]
    stretches = [(origin, [day for day, _ in pairs]) for origin, pairs in groupby(chosen, key=lambda pair: pair[1])]
    for origin, stretch in stretches:
        _hold_together(shop_id, origin, stretch)
    return [
        Run(new_run_id(), shop_id, origin.source, stretch[0].isoformat(), stretch[-1].isoformat(), input, seed)
        for origin, stretch in stretches
    ]


def _from_kafka(known: dict[date, Origin], day: date) -> bool:
    return day in known and known[day].source == "kafka"


def _choose(shop_id: str, day: date, archived: set[date], known: dict[date, Origin]) -> Origin:
    if day in known and known[day].source not in FROM_EVENTS:
        return known[day]
    if day in archived:
        return Origin("kafka")
    if _from_kafka(known, day):
        raise EtlError(f"the events of {shop_id} {day} are no longer in the lake: what was published of them stays; choose other days")
    return Origin("simulated")


def _given(source: str, last: Origin | None) -> Origin:
    """``source``, with the days whose files landed together where the day was last published by it."""
    by_it = last and Path(last.source).name == Path(source).name
    return Origin(source, last.together if last and by_it else None)


def _hold_together(shop_id: str, origin: Origin, stretch: list[date]) -> None:
    if origin.together and origin.together != (stretch[0], stretch[-1]):
        first, last = origin.together
        raise EtlError(
            f"the files of {shop_id} {stretch[0]} landed together with those of {first}..{last}: run these days,"
            f" --source {origin.source} --from {first} --to {last}, or give newer files with --input"
        )


def ingest(run: Run, progress: Progress) -> None:
    """Land the run's raw files in the lake.

    Raises:
        landing.IngestError: the source or its files are not usable.
        repair.RepairError: the repair does not fit the rows held back.
    """
    from ecommerce import ingest as landing

    if run.repair:
        from ecommerce import repair

        rows = repair.apply(run)
        progress({"step": "ingest", "done": 1, "total": 1, "message": f"{rows} rows put right; the files landed before are read again"})
    elif run.source == "kafka":
        progress({"step": "ingest", "done": 1, "total": 1, "message": "traffic is in the lake already"})
    elif run.source == "simulated":
        for number, day in enumerate(run.days, start=1):
            landing.land_simulated(run.run_id, find_shop(run.shop_id), day, run.seed)
            progress({"step": "ingest", "done": number, "total": len(run.days), "message": f"simulated {day}"})
    elif run.input:
        landed = landing.land_files(run.run_id, run.shop_id, run.source, Path(run.input), run.days)
        progress({"step": "ingest", "done": landed, "total": landed, "message": f"{landed} files landed"})
    else:
        progress({"step": "ingest", "done": 1, "total": 1, "message": "no --input: the files landed before are read again"})


def spark_environment() -> dict[str, str]:
    """The environment of a batch job: the local Connect server unless SPARK_REMOTE names another."""
    return {
        "SPARK_REMOTE": f"sc://{settings().spark_connect_host}:{settings().spark_connect_port}",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_DIR), os.environ.get("PYTHONPATH")])),
    }


def process(run: Run, progress: Progress) -> dict[str, Any]:
    """Run the batch job in a child process.

    Returns:
        The job's last line: status, days, rows_in, rows_good, rows_quarantined, rows_excluded.

    Raises:
        EtlError: a blocking check stopped publication, or the job failed.
    """
    command = [sys.executable, str(PROJECT_DIR / "spark" / "jobs" / "batch_processing.py"), "--run-id", run.run_id]
    command += ["--shop", run.shop_id, "--source", run.source, "--from", run.from_date, "--to", run.to_date]
    command += ["--lake", str(settings().lake_dir)]
    outcome: dict[str, Any] = {}
    with subprocess.Popen(command, env=spark_environment(), stdout=subprocess.PIPE, text=True) as child:
        for outcome in _lines(child):
            progress(outcome)
    if child.returncode == 3:
        raise EtlError(f"run {run.run_id} was stopped by a check, the old numbers stay: {outcome.get('message', '')}", 3)
    if child.returncode != 0:
        said = outcome.get("message") or "see the lines above"
        raise EtlError(f"run {run.run_id} failed ({child.returncode}): {said}", 2 if child.returncode == 2 else 1)
    return outcome


def _lines(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What the job says, line by line; its messages may quote what files hold, and end in Airflow's log."""
    assert child.stdout is not None
    for line in child.stdout:
        yield {name: one_line(value) if isinstance(value, str) else value for name, value in json.loads(line).items()}


def publish_check(run: Run, progress: Progress) -> list[date]:
    """Hold what was published against the live state and, for simulated days, against the answer key.

    A live figure that differs without an explanation keeps its day provisional; it is reported, not fatal.

    Returns:
        The days that the run published.

    Raises:
        EtlError: a landed day is absent from the warehouse or a figure differs from the answer key.
    """
    import psycopg

    with psycopg.connect(settings().postgres_dsn("reader")) as connection:
        rows = connection.execute("SELECT date, measures FROM warehouse.etl_run_day WHERE run_id = %s", (run.run_id,)).fetchall()
    published = dict(rows)
    if not published:
        raise EtlError(f"run {run.run_id} published no day: no file of source {run.source} falls in {run.from_date}..{run.to_date}")
    if run.source == "simulated" and not run.repair:
        for number, day in enumerate(run.days, start=1):
            _hold_against_answer_key(run, day, published.get(day))
            progress({"step": "answer key", "done": number, "total": len(run.days), "message": f"{day} equals its answer key"})
    for number, day in enumerate(sorted(published), start=1):
        progress({"step": "publish-check", "done": number, "total": len(published), "message": _reconciled(run, day, published[day])})
    return sorted(published)


def _reconciled(run: Run, day: date, measures: dict[str, Any]) -> str:
    from ecommerce import reconciliation

    found = reconciliation.reconcile(find_shop(run.shop_id), day, run.run_id, measures)
    differing = [f"{one.measure} (live {one.live}, batch {one.batch})" for one in found if not one.agrees]
    if differing:
        return f"{day} differs from its live figures in {', '.join(differing)}"
    return f"{day} agrees with its live figures" if found else f"{day} was not counted live"


def _hold_against_answer_key(run: Run, day: date, measures: dict[str, Any] | None) -> None:
    from ecommerce import ingest as landing

    if measures is None:
        raise EtlError(f"{run.shop_id} {day} was simulated but not published by run {run.run_id}")
    expected = landing.answer_key(run.shop_id, day)
    wrong = [
        f"{name}: expected {value}, published {measures.get(name)}"
        for name, value in {**expected["measures"], **expected["distinct"]}.items()
        if name in metrics.BY_NAME and (measures.get(name) is None or Decimal(str(value)) != Decimal(str(measures[name])))
    ]
    if wrong:
        raise EtlError(f"{run.shop_id} {day} differs from its answer key: {'; '.join(wrong)}")


def notify(run: Run, published: list[date]) -> str:
    """Tell open pages that days were published: of a long range the newest, each page loads anew once anyway.

    Returns:
        The sentence for the log.
    """
    import psycopg
    import redis

    from ecommerce import notices
    from ecommerce.runs import REVISED

    query = f"SELECT date, {REVISED} FROM warehouse.etl_run_day WHERE run_id = %s ORDER BY date DESC LIMIT %s"
    with psycopg.connect(settings().postgres_dsn("reader")) as connection, redis.Redis(**settings().redis_options) as client:
        for day, revised in connection.execute(query, (run.run_id, NOTICES_A_RUN)):
            notices.publish(client, "day_published", run.shop_id, date=day, state="revised" if revised else "final")
    return f"{run.shop_id}: {len(published)} days published from {run.source} by run {run.run_id}"


def run_all(runs: list[Run], progress: Progress) -> list[str]:
    """Every step of every run, in order; the sentences for the log.

    Raises:
        EtlError, landing.IngestError, ConfigError: as the steps do; later runs are not started.
    """
    sentences = []
    for run in runs:
        ingest(run, progress)
        process(run, progress)
        sentences.append(notify(run, publish_check(run, progress)))
    return sentences
