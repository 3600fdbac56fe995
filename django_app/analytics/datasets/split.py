"""Datasets that split sales: by hour, by weekday and hour, by country, channel, device and category."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from analytics.datasets.core import Dataset, Option, columns
from analytics.scope import BEFORE, NOW, Scope, fetch

DIMENSIONS = ("channel", "country", "device", "category")

HOURS = """
    SELECT date, hour, orders, units, gross_revenue, discounts, refunds, adjustments, net_revenue
    FROM warehouse.mart_hourly_sales
    WHERE shop_id = %(shop)s AND date = ANY(%(days)s) ORDER BY date, hour"""

WEEK = f"""
    WITH hourly AS (
        SELECT date, extract(isodow FROM date)::int AS weekday, hour, orders, units, net_revenue
        FROM warehouse.mart_hourly_sales WHERE shop_id = %(shop)s AND {NOW}
    ), days AS (SELECT weekday, count(DISTINCT date) AS days FROM hourly GROUP BY weekday)
    SELECT weekday, hour, days, sum(orders)::bigint, sum(units)::bigint, sum(net_revenue)
    FROM hourly JOIN days USING (weekday) GROUP BY weekday, hour, days ORDER BY weekday, hour"""

ADDED = ("orders", "units", "gross_revenue", "discounts", "refunds", "adjustments", "net_revenue")
BREAKDOWN = f"""
    WITH split AS (
        SELECT value, {NOW} AS now, sum(sessions)::bigint AS sessions, {", ".join(f"sum({name}) AS {name}" for name in ADDED)}
        FROM warehouse.mart_daily_breakdown
        WHERE shop_id = %(shop)s AND dimension = %(dimension)s AND (({NOW}) OR ({BEFORE}))
        GROUP BY 1, 2
    )
    SELECT value, max(sessions) FILTER (WHERE now), {", ".join(f"max({name}) FILTER (WHERE now)" for name in ADDED)},
           coalesce(max(net_revenue) FILTER (WHERE NOT now), 0)
    FROM split GROUP BY value HAVING bool_or(now) ORDER BY 9 DESC NULLS LAST, 3 DESC, value"""


def _hours(scope: Scope) -> Iterator[tuple[Any, ...]]:
    return hours(scope, list(scope.days))


def hours(scope: Scope, days: list[date]) -> Iterator[tuple[Any, ...]]:
    """Hours of ``days`` by the batch, and of days counted live, of which orders and net revenue alone are known by the hour."""
    live = {day: scope.report.live_hours[day] for day in days if day in scope.report.live_hours}
    for day, *hour in fetch(HOURS, {"shop": scope.shop.shop_id, "days": days}):
        if day not in live:
            yield (day, "batch", *hour)
    for day, counted in live.items():
        for number, hour in enumerate(counted):
            yield (day, "live", number, hour["orders"], None, None, None, None, None, Decimal(hour["net_revenue"]))


def _week(scope: Scope) -> Iterator[tuple[Any, ...]]:
    return iter(fetch(WEEK, scope.parameters))


def _breakdown(scope: Scope, dimension: str) -> Iterator[tuple[Any, ...]]:
    return iter(fetch(BREAKDOWN, scope.parameters | {"dimension": dimension}))


DATASETS = (
    Dataset(
        "hourly_sales",
        "One row an hour of shop time with an event, ascending; of days counted live, orders and net revenue alone.",
        columns(
            "date:date counted hour:integer orders:integer units:integer gross_revenue:money discounts:money refunds:money"
            " adjustments:money net_revenue:money"
        ),
        _hours,
    ),
    Dataset(
        "hours_of_week",
        "One row a weekday (1 is Monday) and hour of shop time: sums, and of how many such days.",
        columns("weekday:integer hour:integer days:integer orders:integer units:integer net_revenue:money"),
        _week,
    ),
    Dataset(
        "breakdown",
        "One row a value of a dimension, best first; without days counted live.",
        columns(
            "value sessions:integer orders:integer units:integer gross_revenue:money discounts:money refunds:money adjustments:money"
            " net_revenue:money previous_net_revenue:money"
        ),
        _breakdown,
        (Option("dimension", "what to split by", DIMENSIONS[0], DIMENSIONS),),
    ),
)
