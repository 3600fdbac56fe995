"""Batch runs of the tests: landing, the job as a child process, and what the warehouse then holds."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from ecommerce import etl, ingest, lake
from ecommerce.config import PROJECT_DIR, settings

JOB = PROJECT_DIR / "spark" / "jobs" / "batch_processing.py"


def days_of(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(days=n) for n in range((end - begin).days + 1)]


def land(shop: str, source: str, input: Path, first: str, last: str, run_id: str = "landed") -> int:
    return ingest.land_files(run_id, shop, source, input, days_of(first, last))


def land_lines(shop: str, source: str, day: str, name: str, body: bytes, rows: int, run_id: str = "landed") -> None:
    """Land one file by hand, with ``rows`` as the number that ingest counted."""
    partition = lake.landing(settings().lake_dir, source, shop, day)
    path = partition / run_id / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    lake.publish(partition, lake.Manifest(run_id, datetime.now(UTC).isoformat(), [lake.describe(partition, path, rows)], {}))


def run(run_id: str, shop: str, source: str, first: str, last: str | None = None) -> tuple[int, dict]:
    """Run the job; its exit code and the last line of its protocol."""
    command = [sys.executable, str(JOB), "--run-id", run_id, "--shop", shop, "--source", source, "--from", first, "--to", last or first]
    child = subprocess.run(command, env=etl.spark_environment(), stdout=subprocess.PIPE, text=True, timeout=600)
    return child.returncode, json.loads(child.stdout.splitlines()[-1])


def rows(query: str, *parameters: object) -> list[dict]:
    with psycopg.connect(settings().postgres_dsn("reader"), row_factory=dict_row) as connection:
        return connection.execute(query, parameters).fetchall()


def one(query: str) -> tuple:
    """The first row, by position: columns may share a name."""
    with psycopg.connect(settings().postgres_dsn("reader")) as connection:
        return connection.execute(query).fetchone()


def day_of(shop: str, day: str) -> dict:
    """The row of mart_daily_sales, run_id apart; empty where there is none."""
    found = rows("SELECT * FROM warehouse.mart_daily_sales WHERE shop_id = %s AND date = %s", shop, day)
    return {name: value for name, value in found[0].items() if name != "run_id"} if found else {}


def newest(shop: str, day: str) -> dict:
    """The newest etl_run_day of the shop-day."""
    return rows("SELECT * FROM warehouse.etl_run_day WHERE shop_id = %s AND date = %s ORDER BY published_at DESC LIMIT 1", shop, day)[0]


def findings(run_id: str) -> dict[str, list[dict]]:
    """The run's quality results by check."""
    found: dict[str, list[dict]] = {}
    for row in rows("SELECT * FROM warehouse.quality_result WHERE run_id = %s", run_id):
        found.setdefault(row["check_name"], []).append(row)
    return found
