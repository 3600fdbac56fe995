"""Datasets about known customers; each is named by a pseudonymous key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from analytics.datasets.core import Dataset, Option, columns
from analytics.scope import Scope, fetch, stream

TOTALS = """
    WITH span (name, first, last, live) AS (
        VALUES ('range', %(first)s::date, %(last)s::date, %(live)s::date[]), ('previous', %(was_first)s::date, %(was_last)s::date, %(was_live)s::date[])
    )
    SELECT span.name,
           (SELECT count(DISTINCT customer_id) FROM warehouse.fct_order
            WHERE shop_id = %(shop)s AND date BETWEEN span.first AND span.last AND date <> ALL(span.live) AND customer_id IS NOT NULL),
           (SELECT count(*) FROM warehouse.dim_customer
            WHERE shop_id = %(shop)s AND first_order_date BETWEEN span.first AND span.last AND first_order_date <> ALL(span.live)),
           (SELECT sum(gross_revenue - discounts) FROM warehouse.fct_order
            WHERE shop_id = %(shop)s AND date BETWEEN span.first AND span.last AND date <> ALL(span.live) AND customer_id IS NOT NULL),
           (SELECT count(*) FROM warehouse.dim_customer WHERE shop_id = %(shop)s AND first_order_date <= span.last),
           (SELECT count(*) FROM warehouse.dim_customer WHERE shop_id = %(shop)s AND second_order_date <= span.last)
    FROM span WHERE span.first IS NOT NULL"""

NEW_AND_RETURNING = """
    SELECT orders.date, count(*) FILTER (WHERE known.first_order_date < orders.date),
           count(*) FILTER (WHERE known.first_order_date >= orders.date), count(*) FILTER (WHERE known.customer_id IS NULL),
           coalesce(sum(orders.gross_revenue - orders.discounts) FILTER (WHERE known.first_order_date < orders.date), 0),
           coalesce(sum(orders.gross_revenue - orders.discounts) FILTER (WHERE known.first_order_date >= orders.date), 0),
           coalesce(sum(orders.gross_revenue - orders.discounts) FILTER (WHERE known.customer_id IS NULL), 0)
    FROM warehouse.fct_order AS orders
    LEFT JOIN warehouse.dim_customer AS known ON known.shop_id = orders.shop_id AND known.customer_id = orders.customer_id
    WHERE orders.shop_id = %(shop)s AND orders.date BETWEEN %(first)s AND %(last)s
    GROUP BY orders.date ORDER BY orders.date"""

SEGMENTS = """
    SELECT segment, count(*), sum(frequency)::bigint, sum(monetary), min(recency_band), max(recency_band), min(frequency_band),
           max(frequency_band), max(as_of_date)
    FROM warehouse.mart_customer_rfm WHERE shop_id = %(shop)s GROUP BY segment ORDER BY 4 DESC NULLS LAST, 1"""

GRID = """
    SELECT recency_band, frequency_band, segment, count(*), sum(monetary)
    FROM warehouse.mart_customer_rfm WHERE shop_id = %(shop)s
    GROUP BY recency_band, frequency_band, segment ORDER BY recency_band DESC, frequency_band"""

COHORTS = """
    SELECT cohort_month, age_months, cohort_customers, customers, orders, revenue
    FROM warehouse.mart_cohort_retention WHERE shop_id = %(shop)s ORDER BY cohort_month, age_months"""

SECOND_ORDERS = """
    WITH span (place, name, low, high) AS (
        VALUES (1, '0–7 days', 0, 7), (2, '8–14 days', 8, 14), (3, '15–30 days', 15, 30), (4, '31–60 days', 31, 60),
               (5, '61–90 days', 61, 90), (6, '91–180 days', 91, 180), (7, 'Over 180 days', 181, 100000)
    ), gap AS (
        SELECT second_order_date - first_order_date AS days FROM warehouse.dim_customer
        WHERE shop_id = %(shop)s AND second_order_date <= %(last)s
    )
    SELECT span.name, count(gap.days) FROM span LEFT JOIN gap ON gap.days BETWEEN low AND high GROUP BY place, span.name ORDER BY place"""

CUSTOMERS = """
    SELECT known.customer_key, rfm.segment, known.first_order_date, known.second_order_date, known.last_order_date, known.orders,
           known.gross_revenue, known.lifetime_revenue
    FROM warehouse.dim_customer AS known
    LEFT JOIN warehouse.mart_customer_rfm AS rfm USING (shop_id, customer_id)
    WHERE known.shop_id = %(shop)s AND known.customer_key IS NOT NULL
      AND (%(segment)s = '' OR rfm.segment = %(segment)s) AND (%(customer)s = '' OR known.customer_key = %(customer)s)
    ORDER BY known.lifetime_revenue DESC NULLS LAST, known.orders DESC, known.customer_key"""

ORDERS = """
    SELECT orders.date, orders.ordered_at, orders.transaction_id, orders.lines, orders.units, orders.gross_revenue, orders.discounts,
           orders.channel, orders.country, orders.device
    FROM warehouse.dim_customer AS known
    JOIN warehouse.fct_order AS orders USING (shop_id, customer_id)
    WHERE shop_id = %(shop)s AND known.customer_key = %(customer)s ORDER BY orders.ordered_at DESC, orders.transaction_id"""

BOUGHT = """
    SELECT lines.product_id, product.product_name, sum(lines.quantity)::bigint, count(DISTINCT lines.transaction_id),
           sum(lines.amount - lines.discount)
    FROM warehouse.dim_customer AS known
    JOIN warehouse.fct_order_line AS lines USING (shop_id, customer_id)
    LEFT JOIN warehouse.dim_product AS product ON product.shop_id = known.shop_id AND product.product_id = lines.product_id AND product.is_current
    WHERE known.shop_id = %(shop)s AND known.customer_key = %(customer)s AND lines.line_type = 'purchase'
    GROUP BY lines.product_id, product.product_name ORDER BY 5 DESC NULLS LAST, 3 DESC, 1"""


def _fetched(sql: str) -> Callable[..., Iterator[tuple[Any, ...]]]:
    return lambda scope, **options: iter(fetch(sql, scope.parameters | {name: text.replace("\0", "") for name, text in options.items()}))


def _customers(scope: Scope, segment: str, customer: str) -> Iterator[tuple[Any, ...]]:
    return stream(CUSTOMERS, scope.parameters | {"segment": segment.replace("\0", ""), "customer": customer.replace("\0", "")})


ONE = (Option("customer", "a customer_key", required=True),)

DATASETS = (
    Dataset(
        "customer_totals",
        "One row for the range and one for the days before: customers, new ones, their revenue, and who had ordered twice by its end.",
        columns("span customers:integer new_customers:integer revenue:money known:integer repeated:integer"),
        _fetched(TOTALS),
    ),
    Dataset(
        "new_and_returning",
        "One row a day with an order: orders and revenue (gross − discounts) of returning, new and unknown customers.",
        columns(
            "date:date returning_orders:integer new_orders:integer unknown_orders:integer returning_revenue:money new_revenue:money"
            " unknown_revenue:money"
        ),
        _fetched(NEW_AND_RETURNING),
    ),
    Dataset(
        "segments",
        "One row an RFM segment, by what its customers spent in the two years up to as_of_date.",
        columns(
            "segment customers:integer orders:integer revenue:money lowest_recency_band:integer highest_recency_band:integer"
            " lowest_frequency_band:integer highest_frequency_band:integer as_of_date:date"
        ),
        _fetched(SEGMENTS),
    ),
    Dataset(
        "rfm_grid",
        "One row a recency band (5 is the most recent) and frequency band (5 is the most orders).",
        columns("recency_band:integer frequency_band:integer segment customers:integer revenue:money"),
        _fetched(GRID),
    ),
    Dataset(
        "cohorts",
        "One row a month of first order and age in months.",
        columns("cohort_month:date age_months:integer cohort_customers:integer customers:integer orders:integer revenue:money"),
        _fetched(COHORTS),
    ),
    Dataset(
        "second_orders",
        "One row a span of days between first and second order, of second orders up to the range's last day.",
        columns("span customers:integer"),
        _fetched(SECOND_ORDERS),
    ),
    Dataset(
        "customers",
        "One row a known customer, by lifetime revenue.",
        columns(
            "customer_key segment first_order_date:date second_order_date:date last_order_date:date orders:integer gross_revenue:money"
            " lifetime_revenue:money"
        ),
        _customers,
        (Option("segment", "an RFM segment; without it, all"), Option("customer", "a customer_key; without it, all")),
    ),
    Dataset(
        "customer_orders",
        "One row an order of the customer, newest first.",
        columns(
            "date:date ordered_at:time transaction_id lines:integer units:integer gross_revenue:money discounts:money channel country device"
        ),
        _fetched(ORDERS),
        ONE,
    ),
    Dataset(
        "customer_products",
        "One row a product that the customer bought, by what was paid for it.",
        columns("product_id product_name units:integer orders:integer revenue:money"),
        _fetched(BOUGHT),
        ONE,
    ),
)
