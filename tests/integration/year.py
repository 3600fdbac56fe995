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
import uuid_utils

from ecommerce import simulator
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.events import Event, Item
from ecommerce.live import Accepted, Batch, LiveWriter, Origin
from ecommerce.local import servers
from ecommerce.shops import Shop

SHOP = Shop("year-test", "Harbour & Pine", "Europe/London", "GBP")
NEWCOMER = Shop("newcomer", "Maison Lumen", "Europe/Paris", "EUR")
BATCH = 1000
SQL, OPERATIONS = (Path(__file__).with_name(name) for name in ("year.sql", "year_operations.sql"))
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
    "quality_result",
    "quarantine",
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


def operations(settings: Settings, shop: Shop) -> None:
    """Gives the last days runs, checks, rows held back and live figures, as an operator finds them on the Data page."""
    with psycopg.connect(settings.postgres_dsn("admin")) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(OPERATIONS.read_text(encoding="utf-8"), {"shop": shop.shop_id, "today": shop.today()})


@contextmanager
def platform(folder: Path, shop: Shop, *others: Shop, **size: int) -> Iterator[tuple[Settings, dict[str, str]]]:
    """PostgreSQL with a year of ``shop`` and Redis with its today, in ``folder``: the settings, and the environment of programs on them.

    ``others`` are shops without data.
    """
    shops = folder / "shops.toml"
    shops.write_text("\n".join(map(_described, (shop, *others))), encoding="utf-8")
    settings = servers.isolated_settings(folder, shops_file=shops)
    environ = {**os.environ, **servers.environment(settings), "PYTHONPATH": str(PROJECT_DIR)}
    with servers.running(settings, "postgres", "redis"):
        migrate = [sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "migrate", "--database", "owner", "-v", "0"]
        subprocess.run(migrate, check=True, env=environ)
        write(settings, shop, **size)
        stream_today(settings, shop)
        yield settings, environ


def _described(shop: Shop) -> str:
    lines = [
        f'name = "{shop.name}"',
        f'time_zone = "{shop.time_zone}"',
        f'currency = "{shop.currency}"',
        f"scheduled = {str(shop.scheduled).lower()}",
    ]
    return "\n".join([f"[{shop.shop_id}]", *lines, ""])


def remove(connection: psycopg.Connection, shop: Shop) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM warehouse.{table} WHERE shop_id = %s", [shop.shop_id])


def stream_today(settings: Settings, shop: Shop, since: datetime = datetime.min.replace(tzinfo=UTC), seed: int = 7) -> int:
    """Counts the simulated events of ``shop``'s today after ``since`` up to now in Redis; gives their number."""
    now = datetime.now(UTC)
    events = [event for event in simulator.day_events(shop, shop.today(), seed) if since < event.event_time <= now]
    for first in range(0, len(events), BATCH):
        count(settings, shop, events[first : first + BATCH])
    return len(events)


def sell(settings: Settings, shop: Shop, price: str = "24.50") -> None:
    """One order now, counted in Redis."""
    order = Event(
        event_id=str(uuid_utils.uuid7()), shop_id=shop.shop_id, event_name="purchase", event_time=datetime.now(UTC), client_id="c", session_id="s",
        currency=shop.currency, schema_version=1, transaction_id=str(uuid_utils.uuid7()), country="GB", device="mobile", channel="Email",
        items=[Item("HP-1003", price, 1, item_name="Enamel kettle")],
    )  # fmt: skip
    count(settings, shop, [order])


def count(settings: Settings, shop: Shop, events: list[Event]) -> None:
    """Counts ``events`` in Redis as the consumer does."""
    with redis.Redis(**settings.redis_options) as client:
        writer = LiveWriter(client, Origin("cluster", "year", "id"), {shop.shop_id: shop})
        claim = writer.claim(0, 0)
        accepted = [Accepted(claim.next + place, event) for place, event in enumerate(events)]
        writer.apply(claim, Batch(0, claim.next, claim.next + len(events), accepted, []), lambda refused: None)
