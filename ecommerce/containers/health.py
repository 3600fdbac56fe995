"""``python -m ecommerce.containers.health CHECK``: whether the service of this container works.

It runs every few seconds, so it imports little.
"""

from __future__ import annotations

import json
import sys

from ecommerce.config import settings
from ecommerce.heartbeats import instance
from ecommerce.local import probes
from ecommerce.local.server import NotReady

AIRFLOW = "http://airflow-apiserver:8080"


def django() -> str:
    """The dashboard and its stores; what is down is in the answer."""
    return probes.page("http://127.0.0.1:8000/healthz").decode()


def spark() -> str:
    """The Connect port takes connections and the UI answers."""
    probes.port("127.0.0.1", 15002)
    return probes.page("http://127.0.0.1:4040/api/v1/version").decode()


def spark_cluster() -> str:
    """The page of a master or a worker answers."""
    return probes.page("http://127.0.0.1:8081/json/")[:200].decode()


def airflow(component: str) -> str:
    """Airflow's health page calls ``component`` (metadatabase, scheduler, dag_processor) healthy."""
    probes.airflow(AIRFLOW, component)
    return f"{component} is healthy"


def heartbeat(worker: str) -> str:
    """The worker reported within the last seconds, and does not wait for a server."""
    return json.dumps(probes.heartbeat(settings().var_dir / "run" / f"{instance(settings(), worker)}.heartbeat"))


CHECKS = {"django": django, "spark": spark, "spark-cluster": spark_cluster, "airflow": airflow, "heartbeat": heartbeat}


if __name__ == "__main__":
    try:
        print(CHECKS[sys.argv[1]](*sys.argv[2:]))
    except NotReady as problem:
        sys.exit(str(problem))
