"""Airflow 3 on PostgreSQL with the LocalExecutor: its configuration is in the environment alone."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import probes
from ecommerce.local.secret_files import write
from ecommerce.local.server import LocalError, Server

USER = "admin"
COMPONENTS = {"api-server": "metadatabase", "scheduler": "scheduler", "dag-processor": "dag_processor"}


def address(settings: Settings) -> str:
    """Where people open Airflow."""
    return f"http://localhost:{settings.airflow_port}"


def own_address(settings: Settings) -> str:
    """Where Airflow's own parts find it."""
    return f"http://{settings.host}:{settings.airflow_port}"


def _options(settings: Settings, folder: Path) -> dict[str, object]:
    password = quote(settings.secret("postgres_airflow_password"), safe="")
    database = f"airflow:{password}@{settings.postgres_host}:{settings.postgres_port}/airflow"
    return {
        "core.dags_folder": PROJECT_DIR / "airflow" / "dags",
        "core.load_examples": False,
        "core.executor": "LocalExecutor",
        "core.parallelism": 4,
        "core.dags_are_paused_at_creation": False,
        "core.fernet_key": settings.secret("airflow_fernet_key"),
        "core.auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "core.simple_auth_manager_users": f"{USER}:admin",
        "core.simple_auth_manager_passwords_file": folder / "passwords.json",
        "core.execution_api_server_url": f"{own_address(settings)}/execution/",
        "database.sql_alchemy_conn": f"postgresql+psycopg://{database}",
        "database.sql_alchemy_conn_async": f"postgresql+asyncpg://{database}",
        "api.host": settings.host,
        "api.port": settings.airflow_port,
        "api.base_url": address(settings),
        "api.workers": 1,
        "api.secret_key": settings.secret("airflow_api_secret_key"),
        "api_auth.jwt_secret": settings.secret("airflow_jwt_secret"),
        "scheduler.scheduler_idle_sleep_time": 0.1,
        "scheduler.enable_health_check": False,
        "dag_processor.parsing_processes": 1,
        "logging.base_log_folder": folder / "logs",
        "usage_data_collection.enabled": False,
    }


def environment(settings: Settings) -> dict[str, str]:
    """Variables that make ``airflow`` the platform's own; they hold passwords."""
    folder = settings.var_dir / "airflow"
    options = {f"AIRFLOW__{key.replace('.', '__').upper()}": str(value) for key, value in _options(settings, folder).items()}
    # Keeps the environment readable from outside, by which left-over processes are found.
    python = {"SPT_NOENV": "1", "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin", "MALLOC_ARENA_MAX": "2"}
    return {"AIRFLOW_HOME": str(folder), "ECOMMERCE_REDIS_USER": "etl", **python, **options}


def command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "airflow"), *arguments]


def migrate(settings: Settings) -> None:
    """Make or raise Airflow's tables, once a version; write the account's password file before Airflow would.

    Raises:
        LocalError: Airflow cannot; the message ends with its last line.
    """
    folder = settings.var_dir / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "passwords.json", json.dumps({USER: settings.secret("airflow_admin_password")}))
    mark, current = folder / "migrated", version("apache-airflow")
    if mark.exists() and mark.read_text() == current:
        return
    result = subprocess.run(
        command("db", "migrate"), env={**Server.inherited(), **environment(settings)}, cwd=folder, capture_output=True, text=True
    )
    if result.returncode:
        raise LocalError(f"airflow db migrate failed: {(result.stderr.strip() or result.stdout.strip()).splitlines()[-1]}")
    mark.write_text(current)


def server(settings: Settings, component: str) -> Server:
    """One of Airflow's programs: api-server, scheduler or dag-processor."""
    # The scheduler's log server would listen on every address; the api-server reads the same files itself.
    extra = ["--skip-serve-logs"] if component == "scheduler" else []
    return Server(
        name=f"airflow-{component}",
        command=command(component, *extra),
        cwd=settings.var_dir / "airflow",
        ready=lambda: probes.airflow(own_address(settings), COMPONENTS[component]),
        env=environment(settings),
    )
