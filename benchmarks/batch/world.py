"""Servers of the benchmark's own, a day of the lake of any size, and the platform's job as it runs every night."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from ecommerce import archive, config, etl, ingest, lake
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import servers
from ecommerce.shops import shop as find_shop

SHOP, DAY, SEED = "demo", date(2026, 2, 3), 42
YEAR = date(2025, 1, 1), date(2025, 12, 31)
HEAP = "2g"
"""Of Spark, the platform's and the rival's."""
LINES_AN_ORDER, PRODUCTS, FILE_ROWS = 3, 2000, 250_000
JOB = PROJECT_DIR / "spark" / "jobs" / "batch_processing.py"


@contextmanager
def platform(folder: Path) -> Iterator[Settings]:
    """PostgreSQL with the migrated schema, this process's and its children's settings; Spark is started by who needs it."""
    settings = servers.isolated_settings(folder, spark_driver_memory=HEAP)
    os.environ.update(servers.environment(settings))
    os.environ["PYTHONPATH"] = str(PROJECT_DIR)
    config.settings.cache_clear()
    with servers.running(settings, "postgres"):
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--database", "owner", "-v", "0"], cwd=PROJECT_DIR / "django_app", check=True
        )
        yield settings


def write_day(settings: Settings, lines: int, day: date = DAY) -> None:
    """A day of the archive with ``lines`` order lines: orders of three, a fifth of their customers known, 2,000 products."""
    partition = lake.events(settings.lake_dir, archive.SOURCE, SHOP, day)
    folder = partition / f"{lines}"
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for first in range(0, lines, FILE_ROWS):
        path = folder / f"part-{first:09d}.parquet"
        table = _table(day, first, min(FILE_ROWS, lines - first))
        pq.write_table(table, path, compression="zstd")
        entries.append(lake.describe(partition, path, table.num_rows))
    lake.publish(partition, lake.Manifest("bench", datetime.now(UTC).isoformat(), entries, {}))


def _table(day: date, first: int, rows: int) -> pa.Table:
    line = np.arange(first, first + rows)
    order, index = line // LINES_AN_ORDER, line % LINES_AN_ORDER
    random = np.random.default_rng(first)
    product = np.minimum(random.zipf(1.3, rows), PRODUCTS)
    quantity = random.integers(1, 5, rows)
    start = int(datetime(day.year, day.month, day.day, 1, tzinfo=UTC).timestamp() * 1_000_000)
    text = lambda form, values: pa.array([form % value for value in values])  # noqa: E731
    money = lambda values: pa.array([Decimal(int(value)).scaleb(-2) for value in values], pa.decimal128(18, 4))  # noqa: E731
    known = {
        "event_id": text(f"{day:%Y%m%d}-0000-8000-8000-%012x", order),
        "shop_id": pa.array([SHOP] * rows),
        "event_name": pa.array(["purchase"] * rows),
        "event_time": pa.array(start + order % 72_000 * 1_000_000, pa.timestamp("us", tz="UTC")),
        "client_id": text("client-%d", order % 200_000),
        "session_id": text(f"{day:%y%m%d}-%d", order),
        "user_id": pa.array([f"user-{number % 50_000}" if number % 5 == 0 else None for number in order]),
        "country": pa.array(np.array(["Germany", "France", "Italy", "Spain"])[order % 4]),
        "device": pa.array(np.array(["mobile", "desktop"])[order % 2]),
        "channel": pa.array(np.array(["Direct", "Email", "Paid search"])[order % 3]),
        "currency": pa.array(["EUR"] * rows),
        "transaction_id": text(f"{day:%y%m%d}-%d", order),
        "tax": money(np.full(rows, 190)),
        "shipping": money(np.full(rows, 490)),
        "item_index": pa.array(index, pa.int32()),
        "item_id": text("SKU-%d", product),
        "item_name": text("Product %d", product),
        "item_category": text("Category %d", product % 20),
        "price": money(product % 97 * 50 + 199),
        "quantity": pa.array(quantity, pa.int64()),
        "discount": money(np.where(order % 7 == 0, 50, 0)),
        "kafka_partition": pa.array(order % 4, pa.int32()),
        "kafka_offset": pa.array(order, pa.int64()),
    }
    columns = [known.get(field.name, pa.nulls(rows, field.type)) for field in archive.SCHEMA]
    return pa.table([column.cast(field.type) for column, field in zip(columns, archive.SCHEMA, strict=True)], schema=archive.SCHEMA)


def wipe(settings: Settings) -> None:
    """Empty the warehouse, so that every repetition publishes a first time."""
    query = """SELECT string_agg(format('warehouse.%%I', table_name), ', ') FROM information_schema.tables
               WHERE table_schema = 'warehouse' AND table_type = 'BASE TABLE' AND table_name <> 'dim_date'"""
    with psycopg.connect(settings.postgres_dsn("owner"), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {connection.execute(query.replace('%%', '%')).fetchone()[0]}")
        connection.execute("CHECKPOINT") if connection.execute("SELECT pg_has_role('pg_checkpoint', 'MEMBER')").fetchone()[0] else None


def simulate(first: date, last: date) -> None:
    """Land the simulated shop's days."""
    for number in range((last - first).days + 1):
        ingest.land_simulated("bench", find_shop(SHOP), first + timedelta(days=number), SEED)


def job(settings: Settings, first: date = DAY, last: date = DAY, source: str = archive.SOURCE) -> float:
    """Seconds of the platform's whole job as a process of its own, on the Connect server."""
    command = [sys.executable, str(JOB), "--run-id", etl.new_run_id(), "--shop", SHOP, "--source", source]
    command += ["--from", first.isoformat(), "--to", last.isoformat()]
    return seconds(command, etl.spark_environment())


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """How long ``command`` takes; fails with the end of what it said."""
    begin = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} … failed:\n{done.stderr[-3000:]}\n{done.stdout[-1000:]}")
    return took


def medians(times: int, **ways: Callable[[], float]) -> list[float]:
    """The median of each way, the ways taking turns so that the machine's mood meets all alike; each result is shown."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            found[name].append(way())
            print(f"  {name}: {found[name][-1]:.2f} s", flush=True)
    return [median(results) for results in found.values()]


def days(number: int) -> tuple[date, date]:
    return DAY, DAY + timedelta(days=number - 1)


class Peak:
    """The largest memory, bytes, of a process and its children, looked at four times a second; a page that several share counts once."""

    def __init__(self, pid: int) -> None:
        import threading

        self._process, self.bytes, self._end = psutil.Process(pid), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.25):
            self.bytes = max(self.bytes, sum(_memory(one) for one in (self._process, *self._process.children(recursive=True))))


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.NoSuchProcess:
        return 0
