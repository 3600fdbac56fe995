"""The pipeline as a picture: each box with its health and its lag, each judged by asking it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.db import DatabaseError

from analytics import airflow_api, formats
from analytics.live_source import impatient
from analytics.scope import Scope, fetch
from ecommerce import heartbeats
from ecommerce.alerts import LOG, Alert
from ecommerce.config import settings
from ecommerce.heartbeats import ENDED, Report, ReportError

WORDS = {"ok": "OK", "late": "Late", "down": "Down", "off": "No report", "quiet": "Quiet", "run": "Running"}
ICONS = {"ok": "ok", "late": "clock", "down": "bad", "off": "info", "quiet": "info", "run": "spin"}
CONNECT_SECONDS = 0.5
MIB = 2**20


@dataclass(frozen=True)
class Box:
    """``state`` is ok, late, down, off (nothing known here), quiet (nothing comes) or run; ``lines`` are (text, strong text, text).

    ``trouble`` is the alert that no other part of the platform raises.
    """

    title: str
    state: str
    lines: tuple[tuple[str, str, str], ...]
    trouble: Alert | None = None

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def icon(self) -> str:
        return ICONS[self.state]


@dataclass(frozen=True)
class Picture:
    """The stream's boxes, the batch's, and the dashboard, where both end."""

    stream: list[Box]
    batch: list[Box]
    dashboard: Box
    at: datetime


def worker_state(reports: list[Report]) -> str:
    """ok, late (behind), down (silent or waiting) or off, of the reports of a worker's instances."""
    if not reports or all(report.state == ENDED for report in reports):
        return "off"
    if any(report.silent or report.state not in ("running", "starting", "rebuilding") for report in reports):
        return "down"
    return "late" if any((report.values.get("lag") or 0) > settings().lag_alert_records for report in reports) else "ok"


def _worker(title: str, name: str, *lines: tuple[str, str, str]) -> Box:
    try:
        reports = heartbeats.reports(settings(), name)
    except ReportError:
        return Box(title, "down", (("", "", "its report is unreadable"), *lines))
    lags = [report.values["lag"] for report in reports if report.values.get("lag") is not None]
    said = reports[0].state if reports else "its heartbeat is not on this machine"
    behind = ("", formats.count(sum(lags)), " records behind") if lags else ("", "", said)
    several = [("", str(len(reports)), " instances")] if len(reports) > 1 else []
    return Box(title, worker_state(reports), (behind, *several, *lines))


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False


def producers(snapshot: dict[str, Any] | None) -> Box:
    """The shop's events as they arrive."""
    if snapshot is None:
        return Box("Shop events", "off", (("", "", "not known: Redis does not answer"),))
    rate, received = snapshot["events_per_second"], snapshot["totals"]["received"]
    return Box(
        "Shop events", "ok" if rate else "quiet", (("", formats.number(rate, 1), " events/s"), ("", formats.count(received), " today"))
    )


def kafka() -> Box:
    host, _, port = settings().kafka_bootstrap.split(",")[0].rpartition(":")
    lines = (("", settings().kafka_topic, ""), ("", str(settings().kafka_partitions), " partitions"))
    if _answers(host, int(port)):
        return Box("Kafka", "ok", lines)
    return Box("Kafka", "down", lines, Alert("store", "Kafka does not answer", LOG.format("kafka")))


def memory() -> Box:
    try:
        with redis.Redis(**impatient()) as client:
            found = client.info("memory")
    except redis.ResponseError:
        return Box("Redis", "ok", (("", "", "answers"),))
    except redis.RedisError as error:
        return Box("Redis", "down", (("", "", type(error).__name__),))
    limit = f" of {formats.count(found['maxmemory'] // MIB)}" if found.get("maxmemory") else ""
    return Box("Redis", "ok", (("", f"{formats.count(found['used_memory'] // MIB)} MiB", limit),))


def airflow() -> Box:
    ill = airflow_api.problem()
    trouble = Alert("store", ill, LOG.format("airflow-scheduler")) if ill else None
    return Box("Airflow", "down" if ill else "ok", (("", airflow_api.DAG, ""), ("", "", ill[:60] or "scheduler beats")), trouble)


def spark(scope: Scope) -> Box:
    """The Connect server, and the shop's run that goes on."""
    running = fetch(
        "SELECT from_date, to_date, started_at FROM warehouse.etl_run WHERE status = 'running' AND shop_id = %s ORDER BY started_at DESC",
        (scope.shop.shop_id,),
    )
    if running:
        first, last, since = running[0]
        return Box(
            "Spark",
            "run",
            ((f"{scope.shop.shop_id} ", formats.span(first, last, scope.shop.today()), ""), ("since ", formats.clock(since), " UTC")),
        )
    well = _answers(settings().spark_connect_host, settings().spark_connect_port)
    return Box("Spark", "ok" if well else "off", (("", "", "waits for a run" if well else "no Connect server here"),))


def warehouse(scope: Scope) -> Box:
    """How far the shop's days are published, and how large the database is."""
    sql = """SELECT pg_database_size(current_database()), (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
                    (SELECT max(date) FROM warehouse.mart_daily_sales WHERE shop_id = %s)"""
    ((size, connections, newest),) = fetch(sql, (scope.shop.shop_id,))
    upto = ("published up to ", formats.short_day(newest, scope.shop.today()), "") if newest else ("", "", "no day of this shop yet")
    return Box(
        "PostgreSQL",
        "ok",
        (upto, ("", f"{formats.count(size // MIB)} MiB", f", {formats.count(connections)} connection{'' if connections == 1 else 's'}")),
    )


def troubles(found: Picture) -> list[Alert]:
    """What is wrong with servers and that no other alert names."""
    return [box.trouble for box in (*found.stream, *found.batch) if box.trouble]


def _or_down(title: str, ask: Callable[[], Box]) -> Box:
    try:
        return ask()
    except DatabaseError as error:
        return Box(title, "down", (("", "", str(error).splitlines()[0][:80]),))


def picture(scope: Scope, snapshot: dict[str, Any] | None) -> Picture:
    """All boxes; what may be slow to fail is asked at once."""
    with ThreadPoolExecutor(3) as pool:
        broker, store, scheduler = pool.submit(kafka), pool.submit(memory), pool.submit(airflow)
        refused = sum(snapshot["totals"]["refused"].values()) if snapshot else 0
        consumer = _worker("Consumer", "consumer", ("", formats.count(refused), " refused today"))
        archiver = _worker("Data lake", "archiver", ("archiver to ", "events/source=kafka", ""))
        job, database = _or_down("Spark", lambda: spark(scope)), _or_down("PostgreSQL", lambda: warehouse(scope))
        stream = [producers(snapshot), broker.result(), consumer, store.result()]
        batch = [scheduler.result(), archiver, job, database]
    ends = (("", "live", " from Redis, "), ("", "final", " from PostgreSQL"))
    return Picture(stream, batch, Box("Dashboard", "ok", ends), datetime.now(UTC))
