"""Every night: remove what is older than the settings ``keep_*`` say, Airflow's own metadata included.

This file wires tasks and holds no logic; every task calls :mod:`ecommerce.retention`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from ecommerce import retention
from ecommerce.config import settings

log = logging.getLogger(__name__)


@dag(
    dag_id="ecommerce_maintenance",
    schedule="30 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
    doc_md=__doc__,
    tags=["ecommerce"],
)
def ecommerce_maintenance() -> None:
    for rule in retention.RULES:

        @task(task_id=rule)
        def clean(rule: str) -> None:
            for removal in retention.run(settings(), apply=True, rules=(rule,)):
                log.info("%s: removed %s %s older than %s days %s", rule, removal.count, removal.unit, removal.days, removal.note)

        clean(rule)


ecommerce_maintenance()
