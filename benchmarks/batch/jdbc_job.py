"""The usual way: the same frames from the same Parquet, written by Spark's JDBC writer straight into the indexed tables."""

from __future__ import annotations

import os
import sys

import batch_processing
import connect
import facts
import inputs
import judging
import marts
import psycopg
import staging
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce import warehouse
from ecommerce.config import settings

TASKS = 4  # as many as it has shuffle partitions


def main(arguments: list[str]) -> None:
    job = batch_processing.parse(arguments)
    spark = SparkSession.builder.appName("jdbc").getOrCreate()
    parts = inputs.partitions(job.lake_dir, job.source, job.shop.shop_id, job.from_date, job.to_date)
    staged = batch_processing.stage(spark, job, parts, staging.Spread.over(parts, TASKS), days=1)
    rows = staged.rows.mapInArrow(judging.judged(*staged.verdicts), staging.STAGED)
    accepted = rows.filter(F.col("_reason").isNull() & F.col("_excluded").isNull()).withColumn("date", F.col("_day"))
    events = facts.with_hour(accepted.select(*staging.CONTRACT, "date"), job.shop.time_zone).cache()
    of_events = facts.of_events(events, TASKS)
    if os.environ["BENCH_KEEP"]:
        of_events = {name: frame.cache() for name, frame in of_events.items()}
    with connect.named(spark, {"events": events, **of_events}) as views:
        # The warehouse was emptied: the day is the whole history.
        queries = batch_processing.mart_frames(spark, views, views, staged.absent, marts.load_all())
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


main(sys.argv[1:])
