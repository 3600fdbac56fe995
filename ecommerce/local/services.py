"""The whole platform: its services, what each needs first, and the order in which they stop."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ecommerce.config import Settings
from ecommerce.local import airflow, apps
from ecommerce.local.server import Server
from ecommerce.local.servers import SERVERS

Builder = Callable[[Settings], Server]

SERVICES: dict[str, Builder] = {
    **SERVERS,
    **{f"airflow-{name}": functools.partial(airflow.server, component=name) for name in airflow.COMPONENTS},
    "django": apps.django_server,
    "consumer": functools.partial(apps.worker, name="consumer"),
    "archiver": functools.partial(apps.worker, name="archiver"),
    "producer": apps.producer,
}

AIRFLOW_TABLES, WAREHOUSE_TABLES = "airflow tables", "warehouse tables"
JOBS: dict[str, Callable[[Settings], None]] = {
    AIRFLOW_TABLES: airflow.migrate,
    WAREHOUSE_TABLES: lambda settings: apps.migrate(),
}

# What must be ready before a service starts or a job runs; the rest begins at once.
NEEDS: dict[str, list[str]] = {
    "kafka": ["zookeeper"],
    AIRFLOW_TABLES: ["postgres"],
    WAREHOUSE_TABLES: ["postgres"],
    "airflow-api-server": [AIRFLOW_TABLES],
    "airflow-dag-processor": [AIRFLOW_TABLES],
    # A task that finds no api-server or no Spark would waste one of its retries.
    "airflow-scheduler": [AIRFLOW_TABLES, WAREHOUSE_TABLES, "airflow-api-server", "spark"],
    "django": [WAREHOUSE_TABLES, "redis"],
    "consumer": ["kafka", "redis"],
    "archiver": ["kafka"],
    "producer": ["kafka"],
}

# Writers before what they write to; ZooKeeper outlives the broker, which says good-bye to it.
STOP_STAGES: list[list[str]] = [
    ["producer", "airflow-scheduler", "airflow-dag-processor", "django"],
    ["consumer", "archiver", "airflow-api-server", "spark"],
    ["kafka", "redis"],
    ["zookeeper", "postgres"],
]

PORTS: dict[str, tuple[str, ...]] = {
    "postgres": ("postgres_port",),
    "redis": ("redis_port",),
    "zookeeper": ("zookeeper_port",),
    "kafka": ("kafka_bootstrap",),
    "spark": ("spark_connect_port", "spark_ui_port"),
    "airflow-api-server": ("airflow_port",),
    "django": ("dashboard_port",),
}
