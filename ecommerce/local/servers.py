"""The servers of the platform by name, and a way to run some of them for a while (tests use it)."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path

from ecommerce.config import PREFIX, ConfigError, Settings
from ecommerce.local import kafka, postgres, redis_server, secret_files, spark
from ecommerce.local.server import LocalError, Server, wait_ready

SERVERS: dict[str, Callable[[Settings], Server]] = {
    "postgres": postgres.server,
    "redis": redis_server.server,
    "zookeeper": kafka.zookeeper_server,
    "kafka": kafka.kafka_server,
    "spark": spark.server,
}
NEEDS = {"kafka": ["zookeeper"]}
START_SECONDS = 90
ISOLATED = "isolated"  # marks a run's folder whose data may go when its servers stop


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nothing listens on now, and that no outgoing connection is given by chance."""
    for number in random.sample(range(20000, 32000), 1000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((host, number))
            return number
    raise LocalError(f"there is no free port between 20000 and 32000 on {host}")


def isolated_settings(folder: Path, **values: object) -> Settings:
    """Settings of a run of its own: state below ``folder``, free ports, fresh secrets; ``values`` override."""
    ports = {field.name: free_port() for field in fields(Settings) if field.name.endswith("_port")}
    places = {"var_dir": folder / "var", "lake_dir": folder / "lake", "kafka_bootstrap": f"127.0.0.1:{free_port()}"}
    made = Settings(**{**ports, **places, **values})
    secret_files.make(made.secrets_dir)
    postgres.remove(made)  # of an earlier run at the same path that was cut off
    (made.var_dir / ISOLATED).touch()
    return made


def environment(settings: Settings) -> dict[str, str]:
    """The ``ECOMMERCE_`` variables that give a child process the same settings."""
    return {f"{PREFIX}{field.name.upper()}": str(getattr(settings, field.name)) for field in fields(Settings)}


def _start(settings: Settings, server: Server, log: Path) -> subprocess.Popen[bytes]:
    server.prepare()
    command = [sys.executable, "-m", "ecommerce.local", "exec", server.name]
    with log.open("ab") as output:
        return subprocess.Popen(command, env={**os.environ, **environment(settings)}, stdout=output, stderr=output, start_new_session=True)


def _stop(server: Server, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(getattr(signal, f"SIG{server.stop_signal}"))
    try:
        process.wait(server.stop_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


@contextmanager
def started(settings: Settings, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """One server, ready, stopped at the end; what it needs must run already.

    Raises:
        LocalError: it does not become ready; the message holds the end of its log.
    """
    server = SERVERS[name](settings)
    logs = settings.var_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    process = _start(settings, server, logs / f"{name}.log")
    try:
        wait_ready(server, START_SECONDS, alive=lambda: process.poll() is None)
        server.after()
        yield process
    except LocalError as error:
        raise LocalError(f"{error}\n{_tail(logs / f'{name}.log')}") from None
    finally:
        if process.poll() is None:
            _stop(server, process)


@contextmanager
def running(settings: Settings, *names: str) -> Iterator[Settings]:
    """The servers ``names`` and what they need, all ready; stopped, last first, at the end. Yields ``settings``."""
    wanted = list(dict.fromkeys(name for asked in names for name in (*NEEDS.get(asked, []), asked)))
    if unknown := [name for name in wanted if name not in SERVERS]:
        raise ConfigError(f"unknown server {unknown[0]!r}; known: {', '.join(SERVERS)}")
    contexts = {name: started(settings, name) for name in wanted}
    entered: list[str] = []

    def enter(name: str) -> None:
        contexts[name].__enter__()
        entered.append(name)

    try:
        independent = [name for name in wanted if name not in NEEDS]
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(enter, independent))
        for name in wanted:
            if name in NEEDS:
                enter(name)
        yield settings
    finally:
        for name in reversed(entered):
            contexts[name].__exit__(None, None, None)
        if "postgres" in entered and (settings.var_dir / ISOLATED).exists():
            postgres.remove(settings)
