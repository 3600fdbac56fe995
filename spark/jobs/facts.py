"""The facts: accepted events to order lines, orders and sessions. Each frame's closing select is its schema contract."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from staging import CONTRACT, MONEY

ORDER_EVENTS = ("purchase", "refund", "adjustment")


def accepted(rows: DataFrame) -> DataFrame:
    """The accepted events among classified rows (staging.classify): the contract's columns and ``date``, the shop's day."""
    return rows.filter(F.col("_state") == "good").select(*CONTRACT, F.col("_day").alias("date"))


def order_lines(events: DataFrame) -> DataFrame:
    """One row per line of a purchase, refund or adjustment."""
    return events.filter(F.col("event_name").isin(*ORDER_EVENTS)).select(
        "shop_id", "date", "event_id", "item_index",
        F.col("event_name").alias("line_type"),
        "transaction_id",
        F.col("event_time").alias("event_at"),
        F.col("user_id").alias("customer_id"),
        "session_id",
        F.col("item_id").alias("product_id"),
        "quantity", "price", "discount",
        (F.col("price") * F.col("quantity")).cast(MONEY).alias("amount"),
    )  # fmt: skip


def orders(events: DataFrame) -> DataFrame:
    """One row per order: its attributes are those of the first line, tax and shipping count once."""
    return (
        events.filter(F.col("event_name") == "purchase")
        .groupBy("shop_id", "date", "transaction_id", "event_id")
        .agg(
            F.min("event_time").alias("ordered_at"),
            _first("user_id").alias("customer_id"),
            *[_first(name).alias(name) for name in ("session_id", "country", "channel", "device", "coupon")],
            F.count(F.lit(1)).cast("INT").alias("lines"),
            F.sum("quantity").alias("units"),
            F.sum(F.col("price") * F.col("quantity")).cast(MONEY).alias("gross_revenue"),
            F.sum("discount").cast(MONEY).alias("discounts"),
            _first("tax").alias("tax"),
            _first("shipping").alias("shipping"),
        )
    )


def sessions(events: DataFrame) -> DataFrame:
    """One row per session and day in which it has an accepted event; attributes are those of its first event that has them."""
    of_events = events.filter(F.col("session_id").isNotNull() & (F.col("item_index") == 0))
    place = F.struct("event_time", "event_id")
    earliest = {"client_id": "client_id", "user_id": "customer_id", "country": "country", "channel": "channel", "device": "device"}
    counted = {
        "page_view": "page_views",
        "view_item": "item_views",
        "add_to_cart": "add_to_carts",
        "begin_checkout": "checkouts",
        "purchase": "orders",
    }
    return of_events.groupBy("shop_id", "date", "session_id").agg(
        F.min("event_time").alias("started_at"),
        F.max("event_time").alias("ended_at"),
        *[F.min_by(name, F.when(F.col(name).isNotNull(), place)).alias(alias) for name, alias in earliest.items()],
        *[F.count_if(F.col("event_name") == name).alias(alias) for name, alias in counted.items()],
    )


def _first(name: str) -> Column:
    """The value on the event's first line."""
    return F.max(F.when(F.col("item_index") == 0, F.col(name)))
