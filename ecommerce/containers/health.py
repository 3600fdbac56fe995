"""``python -m ecommerce.containers.health CHECK``: whether the service of this container works.

It runs every few seconds, so it imports little.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TIMEOUT_SECONDS = 5
STALE_SECONDS = 15


class Unhealthy(Exception):
    """The service does not work; the message says what is missing."""


def page(url: str) -> bytes:
    """The body of ``url``.

    Raises:
        Unhealthy: no answer, or another status than 200; the message holds the body's begin.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise Unhealthy(f"{url} answers {error.code}: {error.read(300).decode(errors='replace')}") from None
    except OSError as error:
        raise Unhealthy(f"no answer from {url}: {error}") from None


def django() -> str:
    return page("http://127.0.0.1:8000/healthz").decode()


def spark() -> str:
    """The Connect port takes connections and the UI answers."""
    try:
        socket.create_connection(("127.0.0.1", 15002), TIMEOUT_SECONDS).close()
    except OSError as error:
        raise Unhealthy(f"Spark Connect does not listen: {error}") from None
    return page("http://127.0.0.1:4040/api/v1/version").decode()


def spark_cluster() -> str:
    """The page of a master or a worker answers."""
    return page("http://127.0.0.1:8081/json/")[:200].decode()


def airflow(component: str) -> str:
    """Airflow's health page calls ``component`` (metadatabase, scheduler, dag_processor) healthy."""
    health = json.loads(page("http://airflow-apiserver:8080/api/v2/monitor/health")).get(component) or {}
    if health.get("status") != "healthy":
        raise Unhealthy(f"Airflow's {component}: {health}")
    return json.dumps(health)


def heartbeat(worker: str) -> str:
    """The worker reported within the last seconds, and does not wait for a server."""
    path = Path(os.environ["ECOMMERCE_VAR_DIR"]) / "run" / f"{worker}.heartbeat"
    try:
        age, text = time.time() - path.stat().st_mtime, path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Unhealthy(f"{worker} has not reported yet") from None
    if age > STALE_SECONDS:
        raise Unhealthy(f"{worker} last reported {age:.0f} s ago: {text}")
    if str(json.loads(text).get("state", "")).startswith("waiting"):
        raise Unhealthy(text)
    return text


CHECKS = {"django": django, "spark": spark, "spark-cluster": spark_cluster, "airflow": airflow, "heartbeat": heartbeat}


if __name__ == "__main__":
    try:
        print(CHECKS[sys.argv[1]](*sys.argv[2:]))
    except Unhealthy as problem:
        sys.exit(str(problem))
