"""Airflow's own time a task: a chain of tasks that do nothing, with the platform's configuration and with Airflow's defaults."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psycopg

from ecommerce.config import Settings
from ecommerce.local import airflow
from ecommerce.local.server import Server, wait_ready

TASKS = 10
DAG = """
from datetime import datetime
from airflow.sdk import chain, dag, task

@dag(dag_id="chain", schedule=None, start_date=datetime(2026, 1, 1))
def of_tasks():
    @task
    def nothing():
        pass
    chain(*[nothing.override(task_id=f"t{number}")() for number in range(%d)])

of_tasks()
"""
OURS_ALONE = ("SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME", "CORE__PARALLELISM", "DAG_PROCESSOR__PARSING_PROCESSES", "API__WORKERS")
BETWEEN = """
    SELECT avg(gap) FROM (
        SELECT extract(epoch FROM start_date - lag(end_date) OVER (ORDER BY start_date)) AS gap
        FROM task_instance WHERE run_id = %s) AS gaps WHERE gap IS NOT NULL"""


def per_task(settings: Settings, folder: Path, defaults: bool, runs: int) -> float:
    """Mean seconds from a task's end to the next one's start, the median of ``runs`` runs."""
    dags = folder / "dags"
    dags.mkdir(parents=True, exist_ok=True)
    (dags / "chain.py").write_text(DAG % TASKS)
    airflow.migrate(settings)
    environment = {**Server.inherited(), **airflow.environment(settings), "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    if defaults:
        for name in OURS_ALONE:
            environment.pop(f"AIRFLOW__{name}", None)
    programs: list[subprocess.Popen[bytes]] = []
    try:
        for component in airflow.COMPONENTS:
            server = airflow.server(settings, component)
            log = (folder / f"{component}.log").open("wb")
            programs.append(subprocess.Popen(server.command, cwd=server.cwd, env=environment, stdout=log, stderr=log))
            wait_ready(server, 180, alive=lambda program=programs[-1]: program.poll() is None)
        return sorted(_run(settings, environment, number) for number in range(runs))[runs // 2]
    finally:
        for program in reversed(programs):
            program.terminate()
        for program in programs:
            program.wait(60)


def _run(settings: Settings, environment: dict[str, str], number: int) -> float:
    name = f"bench-{time.time_ns()}-{number}"
    deadline = time.monotonic() + 180
    while True:
        command = airflow.command("dags", "trigger", "chain", "--run-id", name)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not done.returncode:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"Airflow does not take the DAG: {done.stderr[-1000:]}")
        time.sleep(1)
    dsn = f"host={settings.postgres_host} port={settings.postgres_port} dbname=airflow user=airflow"
    with psycopg.connect(dsn, password=settings.secret("postgres_airflow_password"), autocommit=True) as connection:
        while (connection.execute("SELECT state FROM dag_run WHERE run_id = %s", (name,)).fetchone() or ("",))[0] != "success":
            if time.monotonic() > deadline:
                raise SystemExit(f"the chain of {TASKS} tasks did not end within 180 s")
            time.sleep(0.2)
        return float(connection.execute(BETWEEN, (name,)).fetchone()[0])
