"""Last week's same day up to the same time of day, from the warehouse: what today's live figures stand against."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from ecommerce.metrics import ratio
from ecommerce.shops import Shop

BY_HOUR = """
SELECT extract(hour FROM event_at AT TIME ZONE %(zone)s)::int AS hour, event_at < %(until)s AS before,
       coalesce(sum(amount) FILTER (WHERE line_type = 'purchase'), 0) AS gross_revenue,
       coalesce(sum(discount) FILTER (WHERE line_type = 'purchase'), 0) AS discounts,
       coalesce(sum(amount - discount) FILTER (WHERE line_type = 'refund'), 0) AS refunds,
       coalesce(sum(amount) FILTER (WHERE line_type = 'adjustment'), 0) AS adjustments,
       count(DISTINCT transaction_id) FILTER (WHERE line_type = 'purchase') AS orders
FROM warehouse.fct_order_line WHERE shop_id = %(shop)s AND date = %(day)s
GROUP BY 1, 2 ORDER BY 1, 2
"""
PARTS = ("gross_revenue", "discounts", "refunds", "adjustments", "orders")
COMPARED = ("net_revenue", "orders", "average_order_value", "refunds")


@dataclass(frozen=True)
class Comparison:
    """Last week's same day: ``measures`` before the same time of day, ``hours`` the 24 running totals of net revenue."""

    day: str
    until: str
    measures: dict[str, Decimal | None]
    hours: list[Decimal]

    def as_json(self) -> dict[str, Any]:
        """The same with amounts as strings."""
        measures = {name: None if value is None else str(value) for name, value in self.measures.items()}
        return {"day": self.day, "until": self.until, "measures": measures, "hours": [str(value) for value in self.hours]}


def _net(row: dict[str, Any]) -> Decimal:
    return row["gross_revenue"] - row["discounts"] - row["refunds"] + row["adjustments"]


def _published(shop: Shop, day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM warehouse.mart_daily_sales WHERE shop_id = %s AND date = %s", (shop.shop_id, day))
        return cursor.fetchone() is not None


def _read(shop: Shop, until: datetime) -> list[dict[str, Any]]:
    values = {"zone": shop.time_zone, "until": until, "shop": shop.shop_id, "day": until.astimezone(shop.zone).date()}
    with connection.cursor() as cursor:
        cursor.execute(BY_HOUR, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def last_week(shop: Shop, now: datetime) -> Comparison | None:
    """The comparison for ``now`` (aware); None where that day is not in the warehouse."""
    local = now.astimezone(shop.zone)
    until = local - timedelta(days=7)  # the same wall-clock time, also across a clock change
    if not _published(shop, until.date()):
        return None
    rows = _read(shop, until)
    sums = {part: sum((row[part] for row in rows if row["before"]), Decimal(0)) for part in PARTS}
    measures = sums | {"net_revenue": _net(sums), "average_order_value": ratio("average_order_value", sums)}
    totals = [sum((_net(row) for row in rows if row["hour"] <= hour), Decimal(0)) for hour in range(24)]
    return Comparison(f"{until:%A}", f"{until:%H:%M}", {name: measures[name] for name in COMPARED}, totals)
