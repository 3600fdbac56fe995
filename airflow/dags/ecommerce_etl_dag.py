"""The daily ETL: one scheduled run is one day of every scheduled shop; a triggered run is any range of one shop.

This file wires tasks and holds no logic; every task calls :mod:`ecommerce.etl`.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, Param, PokeReturnValue, dag, task, task_group
from airflow.timetables.interval import CronDataIntervalTimetable

from ecommerce import etl, schedule
from ecommerce.config import settings

log = logging.getLogger(__name__)

LAKE = Asset("lake_landing", uri="ecommerce://lake/landing", group="lake")
EVENTS = Asset("lake_events", uri="ecommerce://lake/events", group="lake")
FACTS = Asset("warehouse_facts", uri="ecommerce://warehouse/facts", group="warehouse")
MARTS = Asset("warehouse_marts", uri="ecommerce://warehouse/marts", group="warehouse")


def show(progress: dict[str, Any]) -> None:
    """Put a step's progress into the task's log."""
    log.info("%(step)s %(done)s of %(total)s %(message)s", {"done": "-", "total": "-", "message": "", **progress})


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@dag(
    dag_id="ecommerce_etl",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=datetime.combine(schedule.first_day(), datetime.min.time(), UTC),
    catchup=True,
    max_active_runs=3,
    default_args={
        "retries": 6,
        "retry_delay": timedelta(seconds=10),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
    },
    params={
        "shop": Param("", type="string", title="Shop", description="Shop id of shops.toml; empty: every scheduled shop."),
        "source": Param(etl.AUTO, type="string", title="Source", description="auto, simulated, kafka, or a source below spark/sources."),
        "input": Param("", type="string", title="Input", description="File or folder with raw files; empty: what has landed before."),
        "from": Param(None, type=["null", "string"], format="date", title="From", description="First day; empty: yesterday."),
        "to": Param(None, type=["null", "string"], format="date", title="To", description="Last day; empty: the first day."),
        "seed": Param(settings().seed, type="integer", title="Seed", description="Seed of the simulated shop."),
        "repair": Param("", type="string", title="Repair", description="JSON of rows put right (ecommerce quarantine); empty: none."),
    },
    doc_md=__doc__,
    tags=["ecommerce"],
)
def ecommerce_etl() -> None:
    @task.sensor(mode="reschedule", poke_interval=300, timeout=timedelta(days=2).total_seconds())
    def plan(params: dict[str, Any] | None = None, data_interval_start: datetime | None = None) -> PokeReturnValue:
        """Which runs this is, once the shops' day has been over for an hour."""
        assert params is not None
        scheduled = data_interval_start.date() if data_interval_start else None
        first, last = _day(params["from"]), _day(params["to"])
        runs = schedule.runs(scheduled, params["shop"], first, last, params["source"], params["input"], params["seed"], params["repair"])
        return PokeReturnValue(is_done=runs is not None, xcom_value=[asdict(run) for run in runs or []])

    @task_group
    def run(plan: dict[str, Any]) -> None:
        @task(outlets=[LAKE])
        def ingest(plan: dict[str, Any]) -> dict[str, Any]:
            etl.ingest(etl.Run(**plan), show)
            return plan

        @task(outlets=[EVENTS, FACTS, MARTS])
        def process(plan: dict[str, Any]) -> dict[str, Any]:
            etl.process(etl.Run(**plan), show)
            return plan

        @task
        def publish_check(plan: dict[str, Any]) -> dict[str, Any]:
            return {"plan": plan, "published": [day.isoformat() for day in etl.publish_check(etl.Run(**plan), show)]}

        @task
        def notify(checked: dict[str, Any]) -> None:
            log.info(etl.notify(etl.Run(**checked["plan"]), [date.fromisoformat(day) for day in checked["published"]]))

        notify(publish_check(process(ingest(plan))))

    run.expand(plan=plan())


ecommerce_etl()
