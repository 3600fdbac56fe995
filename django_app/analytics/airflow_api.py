"""Airflow's REST API, as far as the Data page needs it: is it well, and trigger a run. The dashboard itself never writes the warehouse."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from ecommerce.config import ConfigError, settings
from ecommerce.errors import PlatformError

DAG = "ecommerce_etl"
USER = "admin"
SECONDS = 5


class AirflowError(PlatformError):
    """Airflow does not answer or refuses; the message says which, and the remedy."""


def address() -> str:
    """Where the dashboard asks Airflow."""
    return (settings().airflow_url or f"http://{settings().host}:{settings().airflow_port}").rstrip("/")


def link() -> str:
    """Where a person opens the DAG's runs: Airflow's port on the host that serves the dashboard."""
    return f"http://{urlsplit(settings().public_url).hostname}:{settings().airflow_port}/dags/{DAG}"


def problem() -> str:
    """'' where scheduler and DAG processor are well and every DAG could be read, else what is not."""
    try:
        parts = _ask("/api/v2/monitor/health")
        ill = [name for name in ("scheduler", "dag_processor") if parts.get(name, {}).get("status") != "healthy"]
        unread = [] if ill else _unread()
    except AirflowError as error:
        return str(error)
    return f"Airflow's {' and '.join(ill)} {'are' if len(ill) > 1 else 'is'} not healthy" if ill else "; ".join(unread)


def _unread() -> list[str]:
    """What keeps a DAG from being read, a line a file; nothing is asked where this dashboard holds no account of Airflow."""
    try:
        token = _token()
    except ConfigError:
        return []
    errors = _ask("/api/v2/importErrors", token=token)["import_errors"]
    return [f"{PurePath(one['filename']).name} cannot be read: {one['stack_trace'].strip().splitlines()[-1]}" for one in errors]


def trigger(**conf: Any) -> str:
    """Starts a run of the ETL with ``conf`` as its parameters; returns Airflow's id of the run.

    Raises:
        AirflowError: Airflow is away, or refuses.
    """
    try:
        token = _token()
    except ConfigError:
        raise AirflowError("this dashboard holds no account of Airflow: trigger the run there, or with `ecommerce etl`") from None
    return _ask(f"/api/v2/dags/{DAG}/dagRuns", {"logical_date": None, "conf": conf}, token)["dag_run_id"]


def _token() -> str:
    return _ask("/auth/token", {"username": USER, "password": settings().secret("airflow_admin_password")})["access_token"]


def _ask(path: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address() + path, json.dumps(body).encode() if body is not None else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AirflowError(f"Airflow answered {error.code} to {path}: {error.read(300).decode('utf-8', 'replace')}") from None
    except (OSError, ValueError) as error:
        raise AirflowError(f"Airflow at {address()} does not answer ({error}): see `make status`") from None
