"""What the Sales page shows, by a bounded number of queries whatever the range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import redis
from django.db import connection

from analytics import live_source, states
from analytics.figures import Measures, Period, ShopDay
from analytics.ranges import Days, Selection
from ecommerce import metrics
from ecommerce.shops import Shop

RECENT_DAYS, MOST_LIVE_DAYS = 7, 31
"""How far back, and at most how many, days without a batch row are asked of the live state."""

MEASURES = (
    *("orders", "units", "customers", "visitors", "sessions", "sessions_with_order"),
    *("gross_revenue", "discounts", "refunds", "adjustments", "net_revenue", "tax", "shipping"),
)
"""Measures of a shop-day, in the order of DAILY's columns."""

DAILY = """
    SELECT sales.date, sales.orders, sales.units, sales.customers, sales.visitors, sales.sessions, funnel.sessions_with_order,
           sales.gross_revenue, sales.discounts, sales.refunds, sales.adjustments, sales.net_revenue, sales.tax, sales.shipping
    FROM warehouse.mart_daily_sales AS sales
    LEFT JOIN warehouse.mart_daily_funnel AS funnel USING (shop_id, date)
    WHERE sales.shop_id = %s AND sales.date BETWEEN %s AND %s"""

COVERAGE = "SELECT min(date), max(date) FROM warehouse.mart_daily_sales WHERE shop_id = %s"

CUSTOMERS = """
    SELECT count(DISTINCT customer_id) FROM warehouse.fct_order
    WHERE shop_id = %s AND date = ANY(%s) AND customer_id IS NOT NULL"""

PRODUCTS = """
    WITH product AS (
        SELECT mart.product_id, known.product_name, known.category, known.brand,
               coalesce(sum(mart.units) FILTER (WHERE mart.date = ANY(%(current)s)), 0) AS units,
               coalesce(sum(mart.orders) FILTER (WHERE mart.date = ANY(%(current)s)), 0) AS orders,
               coalesce(sum(mart.gross_revenue) FILTER (WHERE mart.date = ANY(%(current)s)), 0) AS gross_revenue,
               coalesce(sum(mart.discounts) FILTER (WHERE mart.date = ANY(%(current)s)), 0) AS discounts,
               coalesce(sum(mart.refunds) FILTER (WHERE mart.date = ANY(%(current)s)), 0) AS refunds,
               coalesce(sum(mart.net_revenue) FILTER (WHERE mart.date = ANY(%(current)s)), 0) AS net_revenue,
               coalesce(sum(mart.net_revenue) FILTER (WHERE mart.date = ANY(%(previous)s)), 0) AS previous_net_revenue,
               coalesce(bool_or(mart.orders > 0 OR mart.refunds <> 0) FILTER (WHERE mart.date = ANY(%(current)s)), false) AS sold
        FROM warehouse.mart_daily_product AS mart
        LEFT JOIN warehouse.dim_product AS known ON known.is_current AND (known.shop_id, known.product_id) = (mart.shop_id, mart.product_id)
        WHERE mart.shop_id = %(shop)s AND (mart.date = ANY(%(current)s) OR mart.date = ANY(%(previous)s))
        GROUP BY mart.product_id, known.product_name, known.category, known.brand
    )
    SELECT product_id, product_name, category, brand, units, orders, gross_revenue, discounts, refunds, net_revenue,
           previous_net_revenue, sold, count(*) FILTER (WHERE sold) OVER (), sum(units) OVER (), sum(net_revenue) OVER (),
           sum(previous_net_revenue) OVER ()
    FROM product
    ORDER BY sold DESC, net_revenue DESC, product_id
    LIMIT %(limit)s"""

PRODUCT_COLUMNS = (
    *("product_id", "product_name", "category", "brand", "units", "orders"),
    *("gross_revenue", "discounts", "refunds", "net_revenue", "previous_net_revenue"),
)


@dataclass(frozen=True)
class Product:
    """A product's sums over the range; ``previous_net_revenue`` is 0 where it sold nothing before."""

    product_id: str
    product_name: str | None
    category: str | None
    brand: str | None
    units: int
    orders: int
    gross_revenue: Decimal
    discounts: Decimal
    refunds: Decimal
    net_revenue: Decimal
    previous_net_revenue: Decimal

    @property
    def name(self) -> str:
        return self.product_name or self.product_id


@dataclass(frozen=True)
class Products:
    """The best products of the range, and the sums over all of them."""

    best: tuple[Product, ...]
    sold: int = 0
    units: int = 0
    net_revenue: Decimal = Decimal(0)
    previous_net_revenue: Decimal = Decimal(0)


@dataclass(frozen=True)
class Report:
    """The figures of a selection: the range, the days before it where compared, and the days that the shop has data of."""

    shop: Shop
    today: date
    selection: Selection
    current: Period
    previous: Period | None
    coverage: Days | None
    live_problem: str = ""

    @cached_property
    def comparable(self) -> bool:
        """Whether the days before lie within the shop's data: else a change would compare with a part."""
        return self.previous is not None and bool(self.previous.known) and not self.data_begins

    @cached_property
    def data_begins(self) -> date | None:
        """The shop's first day with data where that is after the previous period's first day."""
        if self.previous is None or not self.previous.known:
            return None
        first = min(self.previous.known[0].day, self.coverage.first if self.coverage else self.previous.known[0].day)
        return first if first > self.previous.days.first else None

    def batch_days(self, period: Period | None) -> list[date]:
        """Days of ``period`` whose figures come from the batch, so that products add up to them."""
        return [one.day for one in period.known if one.counted_by == "batch"] if period else []

    @cached_property
    def batch_adjustments(self) -> Decimal:
        """Adjustments of the days that products are known of; they belong to no product."""
        return self._sum("adjustments", "batch")

    @cached_property
    def live_net_revenue(self) -> Decimal:
        """Net revenue of the days counted live: the batch has not split them by product yet."""
        return self._sum("net_revenue", states.LIVE)

    @cached_property
    def split_state(self) -> str:
        """The state of the days that products are known of."""
        return states.least_settled(one.state.name for one in self.current.known if one.counted_by == "batch")

    def _sum(self, measure: str, counted_by: str) -> Decimal:
        days = (one.measures for one in self.current.known if one.counted_by == counted_by)
        return sum((Decimal(measures[measure] or 0) for measures in days if measures), Decimal(0))


def report(shop: Shop, selection: Selection) -> Report:
    """The figures of ``selection``: three queries, one pass over the lake's folder, and Redis for days that have no batch row."""
    today, previous = shop.today(), selection.previous
    span = Days(previous.first if previous else selection.days.first, selection.days.last)
    batch, runs, archived = _daily(shop, span), states.runs(shop, span), states.archived(shop, span)
    live, problem = _counted_live(shop, [day for day in span if day == today or day not in batch], archived)

    def shop_day(day: date) -> ShopDay:
        state = states.state_of(day, today, runs.get(day), day in archived, day in live)
        if day in live:
            return ShopDay(day, state, live[day], states.LIVE)
        return ShopDay(day, state, batch.get(day))

    def period(days: Days | None) -> Period | None:
        return Period(days, tuple(shop_day(day) for day in days)) if days else None

    current = period(selection.days)
    assert current is not None
    return Report(shop, today, selection, current, period(previous), coverage(shop), problem)


def coverage(shop: Shop) -> Days | None:
    """The first and last shop-day in the warehouse; None where it has none."""
    with connection.cursor() as cursor:
        cursor.execute(COVERAGE, [shop.shop_id])
        first, last = cursor.fetchone()
    return Days(first, last) if first else None


def _daily(shop: Shop, days: Days) -> dict[date, Measures]:
    with connection.cursor() as cursor:
        cursor.execute(DAILY, [shop.shop_id, days.first, days.last])
        return {day: dict(zip(MEASURES, values, strict=True)) for day, *values in cursor.fetchall()}


def _counted_live(shop: Shop, days: list[date], archived: set[date]) -> tuple[dict[date, Measures], str]:
    """Live measures of those of ``days`` that have any; and what to tell the reader where Redis is away.

    Asked are recent days, and older ones of which the archive holds events: a day may be streamed at any time.
    """
    recent = shop.today() - timedelta(days=RECENT_DAYS)
    asked = [day for day in days if day >= recent or day in archived][-MOST_LIVE_DAYS:]
    try:
        found = {day: _measures(live_source.state().snapshot(shop, day)) for day in asked}
    except redis.RedisError as error:
        return {}, f"Redis did not answer ({error}). Days without a batch run show no figure; other days are not affected."
    return {day: measures for day, measures in found.items() if any(measures.values())}, ""


def _measures(snapshot: dict[str, Any]) -> Measures:
    counted = {name: Decimal(value) if name in metrics.MONEY else value for name, value in snapshot["measures"].items()}
    return counted | snapshot["estimates"]


def customers(shop: Shop, days: Iterable[date]) -> int:
    """Distinct known customers with an order in ``days``: counted over the orders, never summed over days."""
    with connection.cursor() as cursor:
        cursor.execute(CUSTOMERS, [shop.shop_id, list(days)])
        return cursor.fetchone()[0]


def products(found: Report, limit: int) -> Products:
    """The ``limit`` best products by net revenue and the sums over all products; one query."""
    with connection.cursor() as cursor:
        cursor.execute(PRODUCTS, _product_days(found) | {"limit": limit})
        rows = cursor.fetchall()
    if not rows:
        return Products(())
    width = len(PRODUCT_COLUMNS)
    return Products(tuple(Product(*row[:width]) for row in rows if row[width]), *rows[0][width + 1 :])


def all_products(found: Report) -> Iterator[tuple[Any, ...]]:
    """Every product sold or refunded in the range, in PRODUCT_COLUMNS, read in pieces."""
    width = len(PRODUCT_COLUMNS)
    with connection.chunked_cursor() as cursor:
        cursor.execute(PRODUCTS, _product_days(found) | {"limit": None})
        for row in cursor:
            if row[width]:
                yield row[:width]


def _product_days(found: Report) -> dict[str, Any]:
    """The days to split by product; a day before is left out where its day is not split, so that like is compared with like."""
    earlier = found.batch_days(found.previous)
    live = {one.day - timedelta(days=len(found.current.days)) for one in found.current.known if one.counted_by == states.LIVE}
    return {"shop": found.shop.shop_id, "current": found.batch_days(found.current), "previous": [day for day in earlier if day not in live]}
