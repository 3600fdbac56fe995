"""Datasets of the way from a visit to an order, and of what stays in carts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics.datasets.core import Dataset, Option, columns
from analytics.scope import BEFORE, NOW, Scope, fetch

DIMENSIONS = ("channel", "device", "country")
STEPS = (
    ("sessions", "Sessions"),
    ("reached_view", "Viewed a product"),
    ("reached_cart", "Added to cart"),
    ("reached_checkout", "Began checkout"),
    ("reached_order", "Bought"),
)
NAMES = [name for name, _ in STEPS]

TOTALS = f"""
    SELECT {", ".join(f"sum({name}) FILTER (WHERE {NOW})::bigint, sum({name}) FILTER (WHERE {BEFORE})::bigint" for name in NAMES)}
    FROM warehouse.mart_daily_funnel WHERE shop_id = %(shop)s AND (({NOW}) OR ({BEFORE}))"""

SPLIT = f"""
    SELECT value, {", ".join(f"sum({name})::bigint" for name in NAMES)}
    FROM warehouse.mart_daily_breakdown
    WHERE shop_id = %(shop)s AND dimension = %(dimension)s AND {NOW}
    GROUP BY value HAVING sum(sessions) > 0 ORDER BY 2 DESC, value"""

CARTS = f"""
    SELECT date, sum(carts)::bigint, sum(ordered_in_visit)::bigint, sum(ordered_later)::bigint, sum(abandoned)::bigint,
           sum(cart_value), sum(abandoned_value)
    FROM warehouse.mart_cart_abandonment
    WHERE shop_id = %(shop)s AND dimension = 'all' AND (({NOW}) OR ({BEFORE})) GROUP BY date ORDER BY date"""

CARTS_BY = f"""
    SELECT value, sum(carts)::bigint, sum(ordered_in_visit)::bigint, sum(ordered_later)::bigint, sum(abandoned)::bigint,
           sum(cart_value), sum(abandoned_value)
    FROM warehouse.mart_cart_abandonment
    WHERE shop_id = %(shop)s AND dimension = %(dimension)s AND {NOW} GROUP BY value ORDER BY 7 DESC, value"""

LEFT = f"""
    WITH cart AS (
        SELECT date, session_id, product_id, client_id, last_added_at, amount FROM warehouse.fct_cart_line WHERE shop_id = %(shop)s AND {NOW}
    ), orders AS (
        SELECT date, session_id, client_id, ordered_at FROM warehouse.fct_order
        WHERE shop_id = %(shop)s AND date BETWEEN %(first)s AND %(last)s::date + 1
    ), bought AS (
        SELECT cart.date, cart.session_id, cart.product_id FROM cart JOIN orders USING (date, session_id)
        UNION
        SELECT cart.date, cart.session_id, cart.product_id
        FROM cart JOIN orders USING (client_id)
        WHERE orders.ordered_at BETWEEN cart.last_added_at AND cart.last_added_at + interval '24 hours'
    ), product AS (
        SELECT product_id, count(*) AS carts, count(*) FILTER (WHERE bought IS NULL) AS left_behind,
               coalesce(sum(amount) FILTER (WHERE bought IS NULL), 0) AS value
        FROM cart LEFT JOIN bought USING (date, session_id, product_id) GROUP BY product_id
    )
    SELECT product.product_id, known.product_name, known.category, carts, left_behind, value
    FROM product
    LEFT JOIN warehouse.dim_product AS known ON known.shop_id = %(shop)s AND known.product_id = product.product_id AND known.is_current
    WHERE left_behind > 0 ORDER BY value DESC, product.product_id"""

EXITS = f"""
    SELECT exit_page, count(*), sum(count(*)) OVER ()::bigint
    FROM warehouse.fct_session
    WHERE shop_id = %(shop)s AND {NOW} AND orders = 0 AND step >= 1 AND exit_page IS NOT NULL
    GROUP BY exit_page ORDER BY 2 DESC, 1 LIMIT 100"""


def _steps(scope: Scope) -> Iterator[tuple[Any, ...]]:
    (found,) = fetch(TOTALS, scope.parameters)
    return ((number, title, found[2 * number - 2], found[2 * number - 1]) for number, (_, title) in enumerate(STEPS, 1))


def _split(sql: str):
    return lambda scope, dimension: iter(fetch(sql, scope.parameters | {"dimension": dimension}))


def _plain(sql: str):
    return lambda scope: iter(fetch(sql, scope.parameters))


BY = (Option("dimension", "what to split by", DIMENSIONS[0], DIMENSIONS),)
CART_COLUMNS = "carts:integer ordered_in_visit:integer ordered_later:integer abandoned:integer cart_value:money abandoned_value:money"

DATASETS = (
    Dataset(
        "funnel",
        "One row a step from visit to order: sessions that reached it, in this order, in the range and in the days before.",
        columns("step:integer title sessions:integer previous_sessions:integer"),
        _steps,
    ),
    Dataset(
        "funnel_breakdown",
        "One row a value of the dimension: sessions that reached each step, in this order.",
        columns("value sessions:integer reached_view:integer reached_cart:integer reached_checkout:integer reached_order:integer"),
        _split(SPLIT),
        BY,
    ),
    Dataset(
        "carts",
        "One row a day with a cart, the days before first: what became of the day's carts, also in later visits.",
        columns(f"date:date {CART_COLUMNS}"),
        _plain(CARTS),
    ),
    Dataset(
        "carts_breakdown",
        "One row a value of the dimension: what became of the range's carts, also in later visits.",
        columns(f"value {CART_COLUMNS}"),
        _split(CARTS_BY),
        BY,
    ),
    Dataset(
        "left_in_carts",
        "One row a product left in a cart, by value: carts with it, and those without an order in the visit or within 24 hours.",
        columns("product_id product_name category carts:integer abandoned:integer value:money"),
        _plain(LEFT),
    ),
    Dataset(
        "exit_pages",
        "One row a page on which visits ended without an order after a product view: the 100 most frequent, and all such visits.",
        columns("page sessions:integer all_sessions:integer"),
        _plain(EXITS),
    ),
)
