"""The figures of a selection of days, which every page opens with, by a bounded number of queries whatever the range."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import redis
from django.db import connection

from analytics import formats, live_source, states
from analytics.figures import PART_OF_DAY, Figure, Measures, Period, ShopDay
from analytics.ranges import Days, Selection
from ecommerce import day_states, metrics
from ecommerce.shops import Shop

RECENT_DAYS, MOST_LIVE_DAYS = 7, 31
"""How far back, and at most how many, days without a batch row are asked of the live state."""

MEASURES = (
    *("orders", "units", "customers", "visitors", "sessions", "sessions_with_cart", "sessions_with_order"),
    *("gross_revenue", "discounts", "refunds", "adjustments", "net_revenue", "tax", "shipping"),
)
"""Measures of a shop-day, in the order of DAILY's columns."""

DAILY = """
    SELECT sales.date, sales.orders, sales.units, sales.customers, sales.visitors, sales.sessions,
           funnel.sessions_with_cart, funnel.sessions_with_order,
           sales.gross_revenue, sales.discounts, sales.refunds, sales.adjustments, sales.net_revenue, sales.tax, sales.shipping
    FROM warehouse.mart_daily_sales AS sales
    LEFT JOIN warehouse.mart_daily_funnel AS funnel USING (shop_id, date)
    WHERE sales.shop_id = %s AND sales.date BETWEEN %s AND %s"""

COVERAGE = "SELECT min(date), max(date) FROM warehouse.mart_daily_sales WHERE shop_id = %s"

PART = """
    SELECT count(DISTINCT transaction_id) FILTER (WHERE line_type = 'purchase') AS orders,
           coalesce(sum(quantity) FILTER (WHERE line_type = 'purchase'), 0) AS units,
           coalesce(sum(amount) FILTER (WHERE line_type = 'purchase'), 0) AS gross_revenue,
           coalesce(sum(discount) FILTER (WHERE line_type = 'purchase'), 0) AS discounts,
           coalesce(sum(amount - discount) FILTER (WHERE line_type = 'refund'), 0) AS refunds,
           coalesce(sum(amount) FILTER (WHERE line_type = 'adjustment'), 0) AS adjustments
    FROM warehouse.fct_order_line WHERE shop_id = %s AND date = %s AND event_at < %s"""
PART_MEASURES = ("orders", "units", "gross_revenue", "discounts", "refunds", "adjustments")


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
    until: datetime | None = None
    """The time at which the last day before was cut, so that today's part meets the same part of that day."""
    live_hours: dict[date, list[dict[str, Any]]] = field(default_factory=dict)
    """The 24 hours of each day counted live: events, orders and net revenue of each."""

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

    @property
    def now(self) -> datetime:
        return datetime.now(self.shop.zone)

    @property
    def currency(self) -> str:
        return self.shop.currency

    def figure(self, name: str) -> Figure:
        """A metric over the range, ready for its tile."""
        value = self.current.value(name)
        previous = self.previous.value(name) if self.previous and self.comparable else None
        reason = self.current.why_unknown(name) if value is None else self.not_compared
        if not reason and self.previous and previous is None:
            reason = f"before: {self.previous.why_unknown(name)}"
        lines = [("prev", self.previous), ("", self.current)]
        return Figure(
            name,
            value,
            previous,
            self.currency,
            self.current.state if value is not None else day_states.NONE,
            reason,
            compared=self.previous is not None,
            estimated=value is not None and self.current.estimated(name),
            lines=[(kind, [one.value(name) for one in period.shop_days]) for kind, period in lines if period],
        )

    @property
    def before(self) -> str:
        """The previous period in words: the day before, the 28 days before, the same 7 days 52 weeks before."""
        length = len(self.selection.days)
        if self.selection.compare == "year":
            words = "the same day 52 weeks before" if length == 1 else f"the same {length} days 52 weeks before"
        else:
            words = "the day before" if length == 1 else f"the {length} days before"
        return f"{words} up to {formats.clock(self.until)}" if self.until else words

    @cached_property
    def not_compared(self) -> str:
        """Why the range is not compared; '' where it is, or where the reader does not want it."""
        if self.previous is None:
            return ""
        if not self.previous.known:
            return f"no data for {self.before}"
        if self.data_begins:
            return f"data begins {formats.short_day(self.data_begins, self.today)}, within {self.before}"
        return ""

    @cached_property
    def live_days(self) -> list[date]:
        """Days of the range counted live: marts that split a day, as by product, know nothing of them yet."""
        return [one.day for one in self.current.known if one.counted_by == day_states.LIVE]

    @cached_property
    def only_live(self) -> bool:
        """Whether the batch holds no day of the range: what it alone counts is unknown, not 0."""
        return bool(self.current.known) and len(self.live_days) == len(self.current.known)

    @cached_property
    def live_days_before(self) -> list[date]:
        """Days before that are left out of splits, so that like is compared with like: counted live, or facing such a day."""
        if self.previous is None:
            return []
        facing = dict(zip(self.current.days, self.previous.days, strict=True))
        live = [one.day for one in self.previous.known if one.counted_by == day_states.LIVE]
        return [*live, *(facing[day] for day in self.live_days)]

    @cached_property
    def batch_adjustments(self) -> Decimal:
        """Adjustments of the days that products are known of; they belong to no product."""
        return self._sum("adjustments", "batch")

    @cached_property
    def live_net_revenue(self) -> Decimal:
        """Net revenue of the days counted live: the batch has not split them by product yet."""
        return self._sum("net_revenue", day_states.LIVE)

    @cached_property
    def split_state(self) -> str:
        """The state of the days that products are known of."""
        return day_states.least_settled(one.state.name for one in self.current.known if one.counted_by == "batch")

    def _sum(self, measure: str, counted_by: str) -> Decimal:
        days = (one.measures for one in self.current.known if one.counted_by == counted_by)
        return sum((Decimal(measures[measure] or 0) for measures in days if measures), Decimal(0))


def report(shop: Shop, selection: Selection) -> Report:
    """The figures of ``selection``: three queries, one pass over the lake's folder, and Redis for days that have no batch row."""
    today, previous = shop.today(), selection.previous
    span = Days(previous.first if previous else selection.days.first, selection.days.last)
    batch, runs, archived = _daily(shop, span), states.runs(shop, span), states.archived(shop, span)
    live, hours, problem = _counted_live(shop, [day for day in span if day == today or day not in batch], archived)

    def shop_day(day: date) -> ShopDay:
        state = day_states.state_of(day, today, runs.get(day), day in archived, day in live)
        if day in live:
            return ShopDay(day, state, live[day], day_states.LIVE)
        return ShopDay(day, state, batch.get(day))

    def period(days: Days | None) -> Period | None:
        return Period(days, tuple(shop_day(day) for day in days)) if days else None

    current, before = period(selection.days), period(previous)
    assert current is not None
    until = None
    if before and selection.days.last == today:
        before, until = _cut(shop, before, datetime.now(shop.zone))
    return Report(shop, today, selection, current, before, coverage(shop), problem, until, hours)


def _cut(shop: Shop, before: Period, now: datetime) -> tuple[Period, datetime | None]:
    """``before`` with its last day cut at the time of day that today has come to, where the batch holds that day; and when that is."""
    *whole, last = before.shop_days
    if last.measures is None or last.counted_by != "batch":
        return before, None
    until = now - timedelta(days=(now.date() - last.day).days)
    with connection.cursor() as cursor:
        cursor.execute(PART, [shop.shop_id, last.day, until])
        measures = dict(zip(PART_MEASURES, cursor.fetchone(), strict=True))
    net = measures["gross_revenue"] - measures["discounts"] - measures["refunds"] + measures["adjustments"]
    part = ShopDay(last.day, last.state, measures | {"net_revenue": net}, PART_OF_DAY)
    return Period(before.days, (*whole, part)), until


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


def _counted_live(shop: Shop, days: list[date], archived: set[date]) -> tuple[dict[date, Measures], dict[date, list[Any]], str]:
    """Live measures of those of ``days`` that have any, their hours, and what to tell the reader where Redis is away.

    Asked are recent days, and older ones of which the archive holds events: a day may be streamed at any time.
    """
    recent = shop.today() - timedelta(days=RECENT_DAYS)
    asked = [day for day in days if day >= recent or day in archived][-MOST_LIVE_DAYS:]
    try:
        found = {day: live_source.state().snapshot(shop, day) for day in asked}
    except redis.RedisError as error:
        return {}, {}, f"Redis did not answer ({error}). Days without a batch run show no figure; other days are not affected."
    counted = {day: measures for day, snapshot in found.items() if any((measures := _measures(snapshot)).values())}
    return counted, {day: found[day]["hours"] for day in counted}, ""


def _measures(snapshot: dict[str, Any]) -> Measures:
    counted = {name: Decimal(value) if name in metrics.MONEY else value for name, value in snapshot["measures"].items()}
    return counted | snapshot["estimates"]
