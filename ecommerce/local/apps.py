"""The platform's own programs: the dashboard and the workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import probes
from ecommerce.local.server import LocalError, Server

SOCKET_BYTES = str(128 * 1024)
"""The largest WebSocket message, both ways (daphne has one limit): a snapshot has 20 KB; the dashboard takes 1 KB from a browser."""
DJANGO = PROJECT_DIR / "django_app"
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2", "PYTHONPATH": str(PROJECT_DIR)}


def manage(*arguments: str) -> str:
    """What ``manage.py arguments`` prints.

    Raises:
        LocalError: it fails; the message ends with its last line.
    """
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=DJANGO, env={**Server.inherited(), **ENVIRONMENT}, capture_output=True, text=True
    )
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()
        raise LocalError(f"manage.py {arguments[0]} failed: {lines[-1]}")
    return result.stdout.strip()


def migrate() -> None:
    """Bring the warehouse's and the dashboard's tables and the static files to the code's version."""
    manage("migrate", "--database", "owner", "--verbosity", "0")
    manage("collectstatic", "--no-input", "--verbosity", "0")


def django_server(settings: Settings) -> Server:
    """The dashboard, HTTP and WebSocket."""
    # -v 0: daphne's own access log prints the tokens of sign-in links; the dashboard writes one of its own.
    listen = ["-v", "0", "-b", settings.host, "-p", str(settings.dashboard_port)]
    listen += ["--websocket-max-message-size", SOCKET_BYTES, "--websocket-max-frame-size", SOCKET_BYTES]
    return Server(
        name="django",
        command=[str(Path(sys.executable).parent / "daphne"), *listen, "ecommerce_analytics.asgi:application"],
        cwd=DJANGO,
        ready=lambda: probes.page(f"http://{settings.host}:{settings.dashboard_port}/healthz"),
        env={**ENVIRONMENT, "ECOMMERCE_REDIS_USER": "web"},
    )


def worker(settings: Settings, name: str, *arguments: str) -> Server:
    """One of kafka_scripts' programs; it reports in a heartbeat file."""
    heartbeat = settings.var_dir / "run" / f"{name}.heartbeat"
    users = {"ECOMMERCE_KAFKA_USER": name, "ECOMMERCE_REDIS_USER": "consumer"}
    return Server(
        name=name,
        command=[sys.executable, str(PROJECT_DIR / "kafka_scripts" / f"{name}.py"), *arguments],
        cwd=PROJECT_DIR,
        ready=lambda: probes.heartbeat(heartbeat),
        env={**ENVIRONMENT, **users},
    )


def producer(settings: Settings) -> Server:
    """Simulated traffic of one shop."""
    return worker(settings, "producer", "--shop", settings.producer_shop, "--rate", str(settings.producer_rate))
