"""Datasets about products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics.datasets.core import Dataset, Option, columns
from analytics.scope import BEFORE, NOW, Scope, fetch, stream

CLASS_A, CLASS_B = 0.80, 0.95
"""A product is of class A while the better ones make less than this share of net revenue; then B; then C."""

COUNTS, MONEY = ("item_views", "add_to_carts", "orders", "units"), ("gross_revenue", "discounts", "refunds", "net_revenue")
ADDED = (*COUNTS, *MONEY)
PRODUCTS = f"""
    WITH split AS (
        SELECT product_id, {NOW} AS now, {", ".join(f"sum({name}) AS {name}" for name in ADDED)}
        FROM warehouse.mart_daily_product
        WHERE shop_id = %(shop)s AND (({NOW}) OR ({BEFORE}))
        GROUP BY 1, 2
    ), product AS (
        SELECT product_id, {", ".join(f"coalesce(max({name}) FILTER (WHERE now), 0) AS {name}" for name in COUNTS)},
               {", ".join(f"max({name}) FILTER (WHERE now) AS {name}" for name in MONEY)},
               coalesce(max(net_revenue) FILTER (WHERE NOT now), 0) AS previous_net_revenue
        FROM split GROUP BY product_id
    ), ranked AS (
        SELECT *, row_number() OVER best AS rank, net_revenue / nullif(sum(net_revenue) OVER (), 0) AS share,
               sum(greatest(net_revenue, 0)) OVER best / nullif(sum(greatest(net_revenue, 0)) OVER (), 0) AS cumulative_share
        FROM product WHERE orders > 0 OR refunds <> 0
        WINDOW best AS (ORDER BY net_revenue DESC NULLS LAST, units DESC, product_id ROWS UNBOUNDED PRECEDING)
    )
    SELECT rank, ranked.product_id, product_name, category, brand, units::bigint, orders::bigint, gross_revenue, discounts, refunds, net_revenue,
           refunds / nullif(gross_revenue - discounts, 0) AS refund_rate, share, cumulative_share,
           CASE WHEN cumulative_share IS NULL THEN NULL
                WHEN cumulative_share - greatest(share, 0) < {CLASS_A} THEN 'A' WHEN cumulative_share - greatest(share, 0) < {CLASS_B} THEN 'B' ELSE 'C' END AS class,
           item_views::bigint, add_to_carts::bigint, previous_net_revenue
    FROM ranked LEFT JOIN warehouse.dim_product AS known ON known.shop_id = %(shop)s AND known.product_id = ranked.product_id AND is_current
    WHERE %(search)s = '' OR concat_ws(' ', ranked.product_id, product_name, category, brand) ILIKE %(pattern)s
    ORDER BY """

SORTS = {
    "net_revenue": "net_revenue DESC NULLS LAST",
    "units": "units DESC",
    "refund_rate": "refund_rate DESC NULLS LAST",
    "change": "net_revenue - previous_net_revenue DESC NULLS LAST",
    "name": "coalesce(product_name, ranked.product_id)",
}

DAILY = f"""
    SELECT date, item_views, add_to_carts, orders, units, gross_revenue, discounts, refunds, net_revenue, price
    FROM warehouse.mart_daily_product
    WHERE shop_id = %(shop)s AND product_id = %(product)s AND (({NOW}) OR ({BEFORE})) ORDER BY date"""

HISTORY = """
    SELECT valid_from, valid_to, is_current, product_name, category, brand, price
    FROM warehouse.dim_product WHERE shop_id = %(shop)s AND product_id = %(product)s ORDER BY valid_from DESC"""

PAIRS = """
    SELECT product_a, a.product_name, product_b, b.product_name, baskets, baskets_a, baskets_b,
           support::numeric, confidence_a::numeric, confidence_b::numeric, lift::numeric,
           from_date, as_of_date
    FROM warehouse.mart_product_pair AS pair
    LEFT JOIN warehouse.dim_product AS a ON a.shop_id = pair.shop_id AND a.product_id = product_a AND a.is_current
    LEFT JOIN warehouse.dim_product AS b ON b.shop_id = pair.shop_id AND b.product_id = product_b AND b.is_current
    WHERE pair.shop_id = %(shop)s AND (%(product)s = '' OR product_a = %(product)s OR product_b = %(product)s)
    ORDER BY baskets DESC, lift DESC, product_a, product_b"""

CLASSES = """
    SELECT rank, product_id, orders, units, revenue, share::numeric, cumulative_share::numeric, abc_class, from_date, as_of_date
    FROM warehouse.mart_product_abc
    WHERE shop_id = %(shop)s AND (%(product)s = '' OR product_id = %(product)s) ORDER BY rank"""


def _escaped(search: str) -> str:
    return "%" + search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"


def _products(scope: Scope, search: str, sort: str) -> Iterator[tuple[Any, ...]]:
    search = search.replace("\0", "")[:100]
    order = f"{SORTS[sort]}, rank"
    return iter(fetch(PRODUCTS + order, scope.parameters | {"search": search, "pattern": _escaped(search)}))


def _of(sql: str):
    def read(scope: Scope, product: str) -> Iterator[tuple[Any, ...]]:
        parameters = scope.parameters | {"product": product.replace("\0", "")}
        return iter(fetch(sql, parameters)) if product else stream(sql, parameters)

    return read


ONE = (Option("product", "a product_id", required=True),)
ANY = (Option("product", "a product_id; without it, all"),)

DATASETS = (
    Dataset(
        "products",
        "One row a product sold or refunded in the range, best first; without days counted live.",
        columns(
            "rank:integer product_id product_name category brand units:integer orders:integer gross_revenue:money discounts:money"
            " refunds:money net_revenue:money refund_rate:number share:number cumulative_share:number class item_views:integer"
            " add_to_carts:integer previous_net_revenue:money"
        ),
        _products,
        (Option("search", "part of a name, category, brand or id"), Option("sort", "the order of the rows", "net_revenue", tuple(SORTS))),
    ),
    Dataset(
        "product_days",
        "One row a day on which the product was viewed, put in a cart, sold or refunded, the days before first.",
        columns(
            "date:date item_views:integer add_to_carts:integer orders:integer units:integer gross_revenue:money discounts:money"
            " refunds:money net_revenue:money price:money"
        ),
        _of(DAILY),
        ONE,
    ),
    Dataset(
        "product_history",
        "One row a version of the product's name, category, brand and price, newest first; valid_to is the day it ended.",
        columns("valid_from:date valid_to:date is_current:boolean product_name category brand price:money"),
        _of(HISTORY),
        ONE,
    ),
    Dataset(
        "product_pairs",
        "One row a pair of products bought in the same basket, most often first.",
        columns(
            "product_a name_a product_b name_b baskets:integer baskets_a:integer baskets_b:integer support:number confidence_a:number"
            " confidence_b:number lift:number from_date:date as_of_date:date"
        ),
        _of(PAIRS),
        ANY,
    ),
    Dataset(
        "product_classes",
        "One row a product with its ABC class over the shop's history, best first.",
        columns(
            "rank:integer product_id orders:integer units:integer revenue:money share:number cumulative_share:number abc_class"
            " from_date:date as_of_date:date"
        ),
        _of(CLASSES),
        ANY,
    ),
)
