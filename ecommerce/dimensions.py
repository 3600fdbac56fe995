"""What is computed from all published days when a run publishes: dimensions, and exact distinct counts over ranges.

Everything here is a function of the published days alone, so runs give the same rows in whatever order they come.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

import psycopg
from psycopg import sql

from ecommerce.config import settings
from ecommerce.shops import Shop

BATCH = 50_000

_SHOP = """
INSERT INTO warehouse.dim_shop (shop_id, name, time_zone, currency) VALUES (%s, %s, %s, %s)
ON CONFLICT (shop_id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency"""

# A day that does not know an attribute leaves it as it was: the last known one is the running maximum of (date, value).
_PRODUCT = """
DELETE FROM warehouse.dim_product WHERE shop_id = %(shop)s AND product_id IN (SELECT product_id FROM {touched});
WITH known AS (
    SELECT
        product_id,
        date,
        (max(ARRAY[date::text, product_name]) FILTER (WHERE product_name IS NOT NULL) OVER days)[2] AS product_name,
        (max(ARRAY[date::text, category]) FILTER (WHERE category IS NOT NULL) OVER days)[2] AS category,
        (max(ARRAY[date::text, brand]) FILTER (WHERE brand IS NOT NULL) OVER days)[2] AS brand,
        (max(ARRAY[date::text, price::text]) FILTER (WHERE price IS NOT NULL) OVER days)[2]::numeric(18,4) AS price
    FROM warehouse.mart_daily_product JOIN {touched} USING (product_id)
    WHERE shop_id = %(shop)s
    WINDOW days AS (PARTITION BY product_id ORDER BY date)
), compared AS (
    SELECT
        *,
        row_number() OVER days = 1 OR (product_name, category, brand, price) IS DISTINCT FROM
            (lag(product_name) OVER days, lag(category) OVER days, lag(brand) OVER days, lag(price) OVER days) AS is_new
    FROM known
    WINDOW days AS (PARTITION BY product_id ORDER BY date)
), spans AS (
    SELECT *, lead(date) OVER (PARTITION BY product_id ORDER BY date) AS next_date FROM compared WHERE is_new
)
INSERT INTO warehouse.dim_product (shop_id, product_id, valid_from, valid_to, is_current, product_name, category, brand, price)
SELECT %(shop)s, product_id, date, next_date, next_date IS NULL, product_name, category, brand, price FROM spans"""

_CUSTOMER = """
DELETE FROM warehouse.dim_customer WHERE shop_id = %(shop)s AND customer_id IN (SELECT customer_id FROM {touched});
WITH ordered AS (
    SELECT customer_id, array_agg(date ORDER BY ordered_at, date, transaction_id) AS dates, count(*) AS orders,
           sum(gross_revenue) AS gross_revenue
    FROM warehouse.fct_order JOIN {touched} USING (customer_id) WHERE shop_id = %(shop)s GROUP BY customer_id
), valued AS (
    SELECT customer_id, sum(CASE line_type WHEN 'purchase' THEN amount - discount WHEN 'refund' THEN discount - amount ELSE amount END) AS revenue
    FROM warehouse.fct_order_line JOIN {touched} USING (customer_id) WHERE shop_id = %(shop)s GROUP BY customer_id
)
INSERT INTO warehouse.dim_customer (shop_id, customer_id, first_order_date, second_order_date, last_order_date, orders, gross_revenue,
                                    lifetime_revenue)
SELECT %(shop)s, customer_id, dates[1], dates[2], dates[array_length(dates, 1)], orders, gross_revenue, revenue
FROM ordered JOIN valued USING (customer_id)"""

DISTINCT = {
    "visitors": ("fct_visitor", "client_id", "true"),
    "sessions": ("fct_session", "session_id", "true"),
    "sessions_with_cart": ("fct_session", "session_id", "add_to_carts > 0"),
    "sessions_with_order": ("fct_session", "session_id", "orders > 0"),
    "customers": ("fct_order", "customer_id", "customer_id IS NOT NULL"),
}
"""Distinct measures over ranges: the fact, its key column, and which of its rows count."""
ONCE_A_DAY = ("fct_visitor", "fct_session")
"""Facts whose key is there once a day."""

_DISTINCT = """
WITH recent AS MATERIALIZED (
    SELECT {distinct} {key} AS key, date FROM warehouse.{fact} WHERE shop_id = %(shop)s AND date >= %(first)s AND {rows}
), earlier AS (
    SELECT {key} AS key, max(date) AS date FROM warehouse.{fact}
    WHERE shop_id = %(shop)s AND date < %(first)s AND {rows} AND {key} IN (SELECT key FROM recent) GROUP BY 1
), placed AS (
    SELECT recent.date, coalesce(lag(recent.date) OVER (PARTITION BY key ORDER BY recent.date), earlier.date) AS previous_date
    FROM recent LEFT JOIN earlier USING (key)
)
INSERT INTO warehouse.mart_daily_distinct (shop_id, measure, date, previous_date, number)
SELECT %(shop)s, %(measure)s, date, previous_date, count(*) FROM placed GROUP BY date, previous_date"""

# The same where no day comes after the first: nobody's days need be put in order.
_DISTINCT_OF_LAST_DAY = """
WITH recent AS MATERIALIZED (
    SELECT {distinct} {key} AS key FROM warehouse.{fact} WHERE shop_id = %(shop)s AND date = %(first)s AND {rows}
), earlier AS (
    SELECT {key} AS key, max(date) AS date FROM warehouse.{fact}
    WHERE shop_id = %(shop)s AND date < %(first)s AND {rows} AND {key} IN (SELECT key FROM recent) GROUP BY 1
)
INSERT INTO warehouse.mart_daily_distinct (shop_id, measure, date, previous_date, number)
SELECT %(shop)s, %(measure)s, %(first)s, earlier.date, count(*) FROM recent LEFT JOIN earlier USING (key) GROUP BY earlier.date"""


def refresh_products(connection: psycopg.Connection, shop: Shop, products: sql.Identifier) -> None:
    """Compute the shop's touched products from its daily product mart; call inside a transaction.

    ``products`` is a table of the ids that were or are on the days that the run replaces.
    """
    _refreshed(connection, shop, _PRODUCT, products)


def refresh_visits(connection: psycopg.Connection, shop: Shop, days: list[date], customers: sql.Identifier) -> None:
    """Compute the shop's row, its touched customers and its distinct counts from its facts; call inside a transaction.

    ``days`` are those that the run replaced; ``customers`` is a table of the ids that were or are on them.
    """
    connection.execute(_SHOP, (shop.shop_id, shop.name, shop.time_zone, shop.currency))
    _refreshed(connection, shop, _CUSTOMER, customers)
    _customer_keys(connection, shop.shop_id)
    if days:
        _distinct(connection, shop.shop_id, min(days))


def _refreshed(connection: psycopg.Connection, shop: Shop, statements: str, touched: sql.Identifier) -> None:
    connection.execute(sql.SQL("ANALYZE {}").format(touched))
    for statement in statements.split(";"):
        connection.execute(sql.SQL(statement).format(touched=touched), {"shop": shop.shop_id})


def customer_key(shop_id: str, customer_id: str) -> str:
    """The pseudonymous key of a customer: HMAC-SHA-256 with the platform's secret, 32 hex digits.

    Raises:
        ConfigError: the secret is absent.
    """
    message = f"{shop_id}\x1f{customer_id}".encode()
    return hmac.new(settings().secret("customer_hmac_key").encode(), message, hashlib.sha256).hexdigest()[:32]


def _customer_keys(connection: psycopg.Connection, shop_id: str) -> None:
    """Give each customer of the shop that has no key its own."""
    query = "SELECT customer_id FROM warehouse.dim_customer WHERE shop_id = %s AND customer_key IS NULL LIMIT %s"
    update = """
        UPDATE warehouse.dim_customer c SET customer_key = k.key
        FROM unnest(%s::text[], %s::text[]) AS k(customer_id, key) WHERE c.shop_id = %s AND c.customer_id = k.customer_id"""
    while ids := [row[0] for row in connection.execute(query, (shop_id, BATCH)).fetchall()]:
        connection.execute(update, (ids, [customer_key(shop_id, name) for name in ids], shop_id))


def _distinct(connection: psycopg.Connection, shop_id: str, first: date) -> None:
    """Count again every day from ``first`` on: a later day's visitors may have come on a replaced day, or no longer."""
    connection.execute("DELETE FROM warehouse.mart_daily_distinct WHERE shop_id = %s AND date >= %s", (shop_id, first))
    for measure, (fact, key, rows) in DISTINCT.items():
        scope = {"shop": shop_id, "measure": measure, "first": first}
        distinct = sql.SQL("" if fact in ONCE_A_DAY else "DISTINCT")
        parts = {"key": sql.Identifier(key), "fact": sql.Identifier(fact), "rows": sql.SQL(rows), "distinct": distinct}
        later = sql.SQL("SELECT EXISTS (SELECT FROM warehouse.{fact} WHERE shop_id = %(shop)s AND date > %(first)s)").format(**parts)
        counted = _DISTINCT if connection.execute(later, scope).fetchone()[0] else _DISTINCT_OF_LAST_DAY
        connection.execute(sql.SQL(counted).format(**parts), scope)
