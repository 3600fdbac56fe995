"""The verbs of the local run: up, down, status, logs, reset."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from ecommerce import stamp
from ecommerce.config import Settings, settings
from ecommerce.local import airflow, apps, health, ports, postgres, secret_files, spark, starting, supervision
from ecommerce.local.display import Steps
from ecommerce.local.history import progress
from ecommerce.local.server import LocalError
from ecommerce.local.services import JOBS, SERVICES, STOP_STAGES

FREE_GIB = 1
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


@contextmanager
def _alone(config: Settings) -> Iterator[None]:
    """Only one ``up``, ``down`` or ``reset`` at a time."""
    config.var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (config.var_dir / "local.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError("another `make up`, `down` or `reset` is at work: wait for it") from None
        yield


def up() -> None:
    """Start what does not run, wait until all is healthy, print addresses and how to sign in.

    Raises:
        LocalError: a port is taken, the disk is full or a service does not become healthy.
    """
    config, begin = settings(), time.monotonic()
    with _alone(config):
        _first_start(config)
        _clear_the_way(config)
        supervision.start(config)
        names = [*SERVICES, *JOBS]
        steps = Steps(names, console)
        with steps.shown():
            starting.run_all(config, steps, names)
    console.print(f"\nEverything is healthy, after {time.monotonic() - begin:.0f} s.\n")
    _welcome(config)


def _first_start(config: Settings) -> None:
    free = shutil.disk_usage(config.var_dir).free / 2**30
    if free < FREE_GIB:
        raise LocalError(f"{free:.1f} GB free at {config.var_dir}: free at least {FREE_GIB} GB, then `make up` again")
    os.umask(0o077)
    for step in stamp.raise_to_current(config):
        console.print(f"Migrated {step}")
    secret_files.make(config.secrets_dir)
    # The day the history counts back from: fixed once, so that the daily DAG's first day never moves.
    if not (mark := config.var_dir / "first_start").exists():
        secret_files.write(mark, f"{datetime.now(UTC):%Y-%m-%d}\n")


def _clear_the_way(config: Settings) -> None:
    """End what a dead supervisor left behind, and see that the ports of what does not run are free."""
    if not supervision.alive(config) and (ended := supervision.end_leftovers(config)):
        console.print(f"The supervisor had died; ended what it left: {', '.join(ended)}.")
    running = {name for name, info in supervision.states(config).items() if info["pid"]}
    ports.check(config, [name for name in SERVICES if name not in running])


def _welcome(config: Settings) -> None:
    table = Table.grid(padding=(0, 3))
    table.add_row("Dashboard", config.public_url, f"sign in once with {apps.manage('login_link')}")
    table.add_row("Airflow", airflow.address(config), f"user {airflow.USER}, password {config.secret('airflow_admin_password')}")
    table.add_row("Spark", f"http://localhost:{config.spark_ui_port}", "the jobs' progress; no sign-in")
    console.print(table, soft_wrap=True)
    console.print(f"\n{progress(config)}\nA new sign-in link: .venv/bin/ecommerce login-link   Stop: make down\n", soft_wrap=True)


def down() -> None:
    """Stop every service in order, writers first, then the supervisor; harmless when nothing runs."""
    config = settings()
    with _alone(config):
        _stop_all(config)


def _stop_all(config: Settings) -> None:
    if supervision.alive(config):
        for stage in STOP_STAGES:
            console.print(f"  stopping {', '.join(stage)}")
            with ThreadPoolExecutor(len(stage)) as pool:
                list(pool.map(lambda name: supervision.stop_service(config, name), stage))
        supervision.shut_down(config)
    if ended := supervision.end_leftovers(config):
        console.print(f"  ended what was left of {', '.join(ended)}")
    console.print("Everything is stopped.")


def status() -> None:
    """Print the services with state, process, uptime, memory and health, then the alerts; exit code 1 unless all are healthy and there is no alert."""
    config = settings()
    if not supervision.alive(config):
        left = ", ".join(supervision.leftovers(config))
        console.print(
            f"The supervisor died; still running without it: {left}. `make up` puts that right." if left else "Nothing runs: make up"
        )
        sys.exit(1)
    found = health.conditions(config)
    console.print(_status_table(found), soft_wrap=True)
    console.print(progress(config), soft_wrap=True)
    from ecommerce.alerts import alerts, printed

    if raised := alerts(config):
        console.print(printed(raised), soft_wrap=True, markup=False)
    sys.exit(bool(raised) or any(one.problem for one in found))


def _status_table(found: list[health.Condition]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("service", "state", "pid", "up", "memory", "health"):
        table.add_column(title, justify="right" if title in ("pid", "up", "memory") else "left", no_wrap=title != "health")
    for one in found:
        uptime = _span(one.uptime_seconds) if one.uptime_seconds is not None else "-"
        table.add_row(one.name, one.state, str(one.pid or "-"), uptime, f"{one.memory / 2**20:.0f} MiB", one.problem or "healthy")
    table.add_section()
    table.add_row("together", "", "", "", f"{sum(one.memory for one in found) / 2**20:.0f} MiB", "")
    return table


def _span(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours}:{minutes:02d}:{int(seconds) % 60:02d}"


def logs(service: str | None = None) -> None:
    """Follow the log of ``service``, or of all; replaces this process.

    Raises:
        LocalError: there is no such service, or it has no log yet.
    """
    if service and service not in (*SERVICES, "supervisor"):
        raise LocalError(f"there is no service {service!r}; the services are {', '.join([*SERVICES, 'supervisor'])}")
    files = sorted((settings().var_dir / "logs").glob(f"{service or '*'}.log"))
    if not files:
        raise LocalError("there is no log yet: make up")
    os.execvp("tail", ["tail", "-n", "200" if service else "10", "-F", *map(str, files)])


def reset(yes: bool = False) -> None:
    """Stop everything and delete all data, the lake and the secrets; asks first unless ``yes``."""
    config = settings()
    if not yes and not _confirmed(f"Delete {config.var_dir} and {config.lake_dir} with all data, for good?"):
        raise LocalError("nothing was deleted")
    with _alone(config):
        _stop_all(config)
        postgres.remove(config)
        for folder in (config.lake_dir, config.var_dir):
            if folder.exists():
                shutil.rmtree(folder)
    console.print("All data is deleted.")


def spark_submit(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a Spark of its own that runs the script and arguments given."""
    command = spark.submit_command(settings(), settings().spark_driver_memory, "--master", "local[*]", "--conf", "spark.ui.enabled=false")
    environment = {**os.environ, **spark.environment()}
    environment.pop("SPARK_REMOTE", None)
    return [*command, *arguments], environment


def _confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
