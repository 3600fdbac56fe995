"""A shop's year in the warehouse, for browser tests, query budgets and the pictures of docs/images."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis

from ecommerce import simulator
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.live import Accepted, Batch, LiveWriter, Origin
from ecommerce.local import servers
from ecommerce.shops import Shop

BATCH = 1000
SQL = Path(__file__).with_name("year.sql")
TABLES = [
    "mart_daily_sales",
    "mart_daily_product",
    "mart_daily_funnel",
    "mart_daily_breakdown",
    "mart_hourly_sales",
    "mart_cart_abandonment",
    "mart_customer_rfm",
    "mart_cohort_retention",
    "mart_product_pair",
    "mart_product_abc",
    "fct_order_line",
    "fct_order",
    "fct_session",
    "fct_cart_line",
    "dim_product",
    "dim_customer",
    "reconciliation",
    "etl_run_day",
    "etl_run",
]


def write(settings: Settings, shop: Shop, days: int = 400, daily: int = 45) -> None:
    """Fills the warehouse with ``days`` of ``shop`` up to yesterday, about ``daily`` orders each; what it had is removed."""
    with psycopg.connect(settings.postgres_dsn("admin")) as connection:
        remove(connection, shop)
        values = {"shop": shop.shop_id, "today": shop.today(), "days": days, "daily": daily, "zone": shop.time_zone}
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(SQL.read_text(encoding="utf-8"), values)
    with psycopg.connect(settings.postgres_dsn("admin"), autocommit=True) as connection:
        connection.execute("ANALYZE")


@contextmanager
def platform(folder: Path, shop: Shop, **size: int) -> Iterator[tuple[Settings, dict[str, str]]]:
    """PostgreSQL with a year of ``shop`` and Redis with its today, in ``folder``: the settings, and the environment of programs on them."""
    shops = folder / "shops.toml"
    shops.write_text(f'[{shop.shop_id}]\nname = "{shop.name}"\ntime_zone = "{shop.time_zone}"\ncurrency = "{shop.currency}"\n')
    settings = servers.isolated_settings(folder, shops_file=shops)
    environ = {**os.environ, **servers.environment(settings), "PYTHONPATH": str(PROJECT_DIR)}
    with servers.running(settings, "postgres", "redis"):
        migrate = [sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "migrate", "--database", "owner", "-v", "0"]
        subprocess.run(migrate, check=True, env=environ)
        write(settings, shop, **size)
        stream_today(settings, shop)
        yield settings, environ


def remove(connection: psycopg.Connection, shop: Shop) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM warehouse.{table} WHERE shop_id = %s", [shop.shop_id])


def stream_today(settings: Settings, shop: Shop, seed: int = 7) -> int:
    """Counts the simulated events of ``shop``'s today up to now in Redis; gives their number."""
    now = datetime.now(UTC)
    events = [event for event in simulator.day_events(shop, shop.today(), seed) if event.event_time <= now]
    writer = LiveWriter(redis.Redis(**settings.redis_options), Origin("cluster", "year", "id"), {shop.shop_id: shop})
    for first in range(0, len(events), BATCH):
        batch = events[first : first + BATCH]
        claim = writer.claim(0, 0)
        accepted = [Accepted(claim.next + place, event) for place, event in enumerate(batch)]
        writer.apply(claim, Batch(0, claim.next, claim.next + len(batch), accepted, []), lambda refused: None)
    return len(events)
