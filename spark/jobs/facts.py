"""The facts: accepted events to order lines, orders and sessions. Each frame's closing select is its schema contract."""

from __future__ import annotations

import sessioning
from pyspark.cloudpickle import register_pickle_by_value
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from staging import MONEY, local_time

register_pickle_by_value(sessioning)

ORDER_EVENTS = ("purchase", "refund", "adjustment")
TABLES = ("fct_order_line", "fct_order", "fct_session", "fct_visitor", "fct_cart_line")


def with_hour(events: DataFrame, time_zone: str) -> DataFrame:
    """Accepted events with ``date`` as marts read them: with ``hour`` of the shop's clock."""
    return events.withColumn("hour", F.hour(local_time(F.col("event_time"), time_zone)))


def of_events(events: DataFrame, tasks: int) -> dict[str, DataFrame]:
    """The frame of each fact table, by its name.

    ``tasks``: how many a day's sessions are dealt to; 1 where all rows of a day lie in one task already, one after another.
    """
    return {
        "fct_order_line": order_lines(events),
        "fct_order": orders(events),
        "fct_session": sessions(events, tasks),
        "fct_visitor": visitors(events),
        "fct_cart_line": cart_lines(events),
    }


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
        F.col("item_category").alias("category"),
    )  # fmt: skip


def orders(events: DataFrame) -> DataFrame:
    """One row per order: its attributes are those of the first line, tax and shipping count once."""
    return (
        events.filter(F.col("event_name") == "purchase")
        .groupBy("shop_id", "date", "transaction_id", "event_id")
        .agg(
            F.min("event_time").alias("ordered_at"),
            _first("user_id").alias("customer_id"),
            *[_first(name).alias(name) for name in ("client_id", "session_id", "country", "channel", "device", "coupon")],
            F.count(F.lit(1)).cast("INT").alias("lines"),
            F.sum("quantity").alias("units"),
            F.sum(F.col("price") * F.col("quantity")).cast(MONEY).alias("gross_revenue"),
            F.sum("discount").cast(MONEY).alias("discounts"),
            _first("tax").alias("tax"),
            _first("shipping").alias("shipping"),
        )
    )


def sessions(events: DataFrame, tasks: int) -> DataFrame:
    """One row per session and day in which it has an accepted event."""
    rows = events.filter(F.col("session_id").isNotNull() & (F.col("item_index") == 0)).select(*sessioning.READ)
    if tasks > 1:
        rows = rows.repartition(tasks, "date", "session_id").sortWithinPartitions("date")
    return rows.mapInArrow(sessioning.sessions, sessioning.SESSIONS)


def visitors(events: DataFrame) -> DataFrame:
    """One row per visitor and day in which it has an accepted event."""
    seen = events.filter(F.col("client_id").isNotNull() & (F.col("item_index") == 0))
    return seen.groupBy("shop_id", "date", "client_id").agg(
        F.min("event_time").alias("first_seen_at"), F.max("event_time").alias("last_seen_at"), F.count(F.lit(1)).alias("events")
    )


def cart_lines(events: DataFrame) -> DataFrame:
    """One row per session, day and product put in a cart; the price is that of the last addition."""
    added, removed = F.col("event_name") == "add_to_cart", F.col("event_name") == "remove_from_cart"
    of_carts = events.filter((added | removed) & F.col("session_id").isNotNull() & F.col("item_id").isNotNull())
    place = F.struct("event_time", "event_id", "item_index")
    lines = of_carts.groupBy("shop_id", "date", "session_id", F.col("item_id").alias("product_id")).agg(
        *[F.max(name).alias(alias) for name, alias in (("client_id", "client_id"), ("user_id", "customer_id"))],
        *[F.max(name).alias(name) for name in ("country", "channel", "device")],
        F.min(F.when(added, F.col("event_time"))).alias("first_added_at"),
        F.max(F.when(added, F.col("event_time"))).alias("last_added_at"),
        F.sum(F.when(added, F.col("quantity")).otherwise(0)).alias("quantity_added"),
        F.sum(F.when(removed, F.col("quantity")).otherwise(0)).alias("quantity_removed"),
        F.max_by("price", F.when(added, place)).alias("price"),
    )
    left = F.greatest(F.col("quantity_added") - F.col("quantity_removed"), F.lit(0))
    return lines.filter(F.col("quantity_added") > 0).withColumn("amount", (F.col("price") * left).cast(MONEY))


def _first(name: str) -> Column:
    """The value on the event's first line."""
    return F.max(F.when(F.col("item_index") == 0, F.col(name)))
