"""The states of shop-days (:mod:`ecommerce.day_states`) as the dashboard reads them."""

from __future__ import annotations

from datetime import date

from django.db import connection

from analytics.ranges import Days
from ecommerce import lake
from ecommerce.config import settings
from ecommerce.day_states import RUNS, Run, of_rows
from ecommerce.shops import Shop


def runs(shop: Shop, days: Days) -> dict[date, Run]:
    """The newest batch run of each shop-day that has one; one query."""
    with connection.cursor() as cursor:
        cursor.execute(RUNS, {"shop": shop.shop_id, "first": days.first, "last": days.last})
        return of_rows(cursor.fetchall(), settings().lake_dir, shop)


def archived(shop: Shop, days: Days) -> set[date]:
    """Shop-days of the range of which the lake holds real events."""
    return {day for day in lake.days(settings().lake_dir, "kafka", shop.shop_id) if days.first <= day <= days.last}
