"""A shop of the tests' own in the warehouse: rows that Spark would publish, and how to ask the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg

from ecommerce.config import Settings
from ecommerce.shops import Shop

TODAY = date(2026, 11, 23)
TABLES = (
    "fct_order_line",
    "mart_daily_sales",
    "mart_daily_product",
    "mart_daily_funnel",
    "fct_order",
    "dim_product",
    "reconciliation",
    "etl_run_day",
    "etl_run",
)


@dataclass(frozen=True)
class FixedShop(Shop):
    """A shop whose current day stands still."""

    def today(self) -> date:
        return TODAY


SHOP = FixedShop("sales-test", "Harbour & Pine", "Europe/London", "GBP")
EMPTY = FixedShop("sales-empty", "Empty shop", "Europe/London", "GBP", scheduled=True)


class Warehouse:
    """Writes as the loader does; every row belongs to SHOP and is removed at the end."""

    def __init__(self, settings: Settings) -> None:
        self._connection = psycopg.connect(settings.postgres_dsn("loader"), autocommit=True)

    def clear(self) -> None:
        for table in TABLES:
            self._connection.execute(f"DELETE FROM warehouse.{table} WHERE shop_id = %s", [SHOP.shop_id])

    def close(self) -> None:
        self.clear()
        self._connection.close()

    def run(self, run_id: str, source: str = "simulated", message: str = "") -> str:
        self._connection.execute(
            "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, rows_in, rows_good, rows_quarantined,"
            " rows_excluded, message) VALUES (%s, %s, %s, %s, %s, 'published', 0, 0, 0, 0, %s) ON CONFLICT DO NOTHING",
            [run_id, SHOP.shop_id, source, TODAY, TODAY, message],
        )
        return run_id

    def published(self, day: date, run_id: str = "r1", source: str = "simulated", at: int = 0, changed: dict | None = None) -> None:
        """The row of etl_run_day; ``at`` orders the runs of a day."""
        self.run(run_id, source, "The shop delivered a late file." if changed else "")
        moment = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=at)
        self._connection.execute(
            "INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, published_at, checksum, measures, changed)"
            " VALUES (%s, %s, %s, %s, %s, '', '{}', %s)",
            [run_id, SHOP.shop_id, day, source, moment, json.dumps(changed or {})],
        )

    def day(self, day: date, orders: int = 2, gross: str = "100.0000", sessions: int | None = 100, adjustments: str = "0", **run) -> None:
        """A published shop-day: a tenth of gross is discounted, a twentieth refunded; one product sold everything."""
        amount = Decimal(gross)
        discounts, refunds = amount / 10, amount / 20
        net = amount - discounts - refunds
        self.published(day, **run)
        run_id = run.get("run_id", "r1")
        self._insert(
            "mart_daily_sales",
            [day, orders, orders * 2, 1, None, sessions, amount, discounts, refunds, Decimal(adjustments), net + Decimal(adjustments)],
            [None, None, None, run_id],
        )
        with_order = None if sessions is None else orders
        self._insert("mart_daily_funnel", [day, sessions, sessions, sessions, sessions, with_order, 1, 1, 1, 1, run_id])
        self.product(day, "p1", gross)

    def product(self, day: date, product_id: str, gross: str, name: str | None = None) -> None:
        amount = Decimal(gross)
        values = [day, product_id, name, None, None, 0, 0, 1, 1, amount, amount / 10, amount / 20, amount - amount / 10 - amount / 20, "r1"]
        self._insert("mart_daily_product", values)
        self._connection.execute(
            "INSERT INTO warehouse.dim_product (shop_id, product_id, valid_from, is_current, product_name, category)"
            " VALUES (%s, %s, %s, true, %s, 'Textiles') ON CONFLICT DO NOTHING",
            [SHOP.shop_id, product_id, day, name or "Linen throw, oat"],
        )

    def order(self, day: date, transaction_id: str, customer_id: str | None) -> None:
        nothing = [None] * 5
        self._insert("fct_order", [day, transaction_id, transaction_id, TODAY, customer_id, *nothing, 1, 1, 1, 0, None, None, "r1"])

    def disagree(self, day: date, explanation: str = "") -> None:
        self._insert("reconciliation", [day, "orders", 2, 3, False, explanation, "r1", TODAY])

    def _insert(self, table: str, values: list, more: list | None = None) -> None:
        row = [SHOP.shop_id, *values, *(more or [])]
        self._connection.execute(f"INSERT INTO warehouse.{table} VALUES ({', '.join(['%s'] * len(row))})", row)
