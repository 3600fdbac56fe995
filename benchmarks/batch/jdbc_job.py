"""The usual way: the same frames from the same Parquet, written by Spark's JDBC writer straight into the indexed tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import batch_processing
import connect
import facts
import facts_frames
import inputs
import judging
import lakestep
import marts
import martstep
import psycopg
import sessioning
import staging
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.batch.distinct import FIRST_LINES, counting_distinct
from ecommerce import warehouse
from ecommerce.config import settings

TASKS = 4  # as many as it has shuffle partitions
SESSIONS = """shop_id STRING, date DATE, session_id STRING, started_at TIMESTAMP, ended_at TIMESTAMP, client_id STRING,
    customer_id STRING, country STRING, channel STRING, device STRING, page_views BIGINT, item_views BIGINT, add_to_carts BIGINT,
    checkouts BIGINT, orders BIGINT, step INT, exit_page STRING"""
SESSION_COLUMNS = [column.split()[0] for column in SESSIONS.split(",")]


def main(arguments: list[str]) -> None:
    job = batch_processing.parse(arguments)
    spark = SparkSession.builder.appName("jdbc").getOrCreate()
    parts = inputs.partitions(job.lake_dir, job.source, job.shop.shop_id, job.from_date, job.to_date)
    staged = lakestep.staged_rows(spark, job, parts, staging.Spread.over(parts, TASKS), days=1)
    rows = staged.rows.mapInArrow(judging.judged(*staged.verdicts), staging.STAGED)
    accepted = rows.filter(F.col("_reason").isNull() & F.col("_excluded").isNull()).withColumn("date", F.col("_day"))
    events = facts_frames.with_hour(accepted.select(*staging.CONTRACT, "date"), job.shop.time_zone).cache()
    of_events = {
        "fct_order_line": order_lines(events).cache(),
        "fct_order": orders(events).cache(),
        "fct_session": sessions(events).cache(),
        "fct_visitor": visitors(events).cache(),
        "fct_cart_line": cart_lines(events).cache(),
    }
    with connect.named(spark, {"events": events, **of_events}) as views:
        # The warehouse was emptied: the day is the whole history.
        queries = martstep.mart_frames(
            spark, views, views, staged.absent, [replace(mart, query=counting_distinct(mart.query)) for mart in marts.load_all()]
        )
        write({**of_events, **queries}, job)
    print(events.count())


def write(frames: dict[str, DataFrame], job: batch_processing.Job) -> None:
    """Put the rows of ``frames`` in the place of the day's, table by table."""
    with psycopg.connect(settings().postgres_dsn("loader")) as connection:
        schemas = {name: warehouse.schema_of(connection, name) for name in frames}
        for name in frames:
            of_the_day = " AND date = %(day)s" if "date" in schemas[name].names else ""
            scope = {"shop": job.shop.shop_id, "day": job.from_date}
            connection.execute(f"DELETE FROM warehouse.{name} WHERE shop_id = %(shop)s{of_the_day}", scope)
    url = (
        f"jdbc:postgresql://{settings().postgres_host}:{settings().postgres_port}/{settings().postgres_database}?reWriteBatchedInserts=true"
    )
    options = {
        "user": "loader",
        "password": settings().secret("postgres_loader_password"),
        "driver": "org.postgresql.Driver",
        "batchsize": "10000",
    }
    for name, frame in frames.items():
        columns = [F.col(column) for column in schemas[name].names]
        frame.select(*columns, F.lit(job.run_id).alias("run_id")).write.jdbc(url, f"warehouse.{name}", mode="append", properties=options)


# The facts as frames: what facts.py computes by Arrow.


def order_lines(events: DataFrame) -> DataFrame:
    """One row per line of a purchase, refund or adjustment."""
    return events.filter(F.col("event_name").isin(*facts.ORDER_EVENTS)).select(
        "shop_id", "date", "event_id", "item_index",
        F.col("event_name").alias("line_type"),
        "transaction_id",
        F.col("event_time").alias("event_at"),
        F.col("user_id").alias("customer_id"),
        "session_id",
        F.col("item_id").alias("product_id"),
        "quantity", "price", "discount",
        (F.col("price") * F.col("quantity")).cast(staging.MONEY).alias("amount"),
        F.col("item_category").alias("category"),
        *[F.lit(True).alias(name) for name in FIRST_LINES],
        "hour",
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
            F.sum(F.col("price") * F.col("quantity")).cast(staging.MONEY).alias("gross_revenue"),
            F.sum("discount").cast(staging.MONEY).alias("discounts"),
            _first("tax").alias("tax"),
            _first("shipping").alias("shipping"),
        )
    )


def sessions(events: DataFrame) -> DataFrame:
    """One row per session and day in which it has an accepted event."""

    def of_days(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        if found := list(batches):
            rows = judging.in_order_of_time(pa.Table.from_batches(found))
            for day in pc.unique(rows["date"]).to_pylist():
                made = sessioning.sessions(rows.filter(pc.equal(rows["date"], day)).combine_chunks())
                yield from made.select(SESSION_COLUMNS).to_batches()

    rows = events.filter(F.col("session_id").isNotNull() & (F.col("item_index") == 0)).select(*facts_frames.OF_A_VISIT)
    return rows.repartition(TASKS, "date", "session_id").mapInArrow(of_days, SESSIONS)


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
    return lines.filter(F.col("quantity_added") > 0).withColumn("amount", (F.col("price") * left).cast(staging.MONEY))


def _first(name: str) -> Column:
    """The value on the event's first line."""
    return F.max(F.when(F.col("item_index") == 0, F.col(name)))


main(sys.argv[1:])
