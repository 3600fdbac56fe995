"""What a run has written, as Spark reads it for the marts: its events and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import facts
import factwriter
import pyarrow as pa
import shop_clock
from lakewriter import STATS
from load import SPARK_TYPES
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from staging import CONTRACT, dated_files

OF_A_VISIT = (
    "shop_id", "date", "session_id", "client_id", "user_id", "event_time", "event_id", "event_name", "item_index", "page", "country",
    "channel", "device", "item_id", "quantity", "price",
)  # fmt: skip
OF_A_VISITOR = ("shop_id", "date", "client_id", "event_time", "event_id", "event_name", "item_index")
VISITS_A_TASK = 5
"""Tasks of events whose visits one task takes: most events have several rows, and a visit needs few of its columns."""


def events(spark: SparkSession, root: Path, paths: list[Path], time_zone: str) -> DataFrame:
    """Accepted events in the files ``paths`` below ``root`` as marts read them, with ``hour`` of the shop's clock."""
    ddl = ", ".join(f"{name} {kind}" for name, kind in CONTRACT.items())
    return with_hour(dated_files(spark, root, paths, ddl), time_zone)


def with_hour(rows: DataFrame, time_zone: str, time: str = "event_time") -> DataFrame:
    """``rows`` with ``hour`` of the shop's clock at their ``time``."""
    return rows.withColumn("hour", shop_clock.hour(F.col(time), time_zone))


def of_visits(rows: DataFrame, tasks: int, keeper: Callable[[tuple[str, ...]], factwriter.Keeper]) -> list[Any]:
    """Compute and keep the facts that are not an event's: sessions, carts and visitors of events that lie in many tasks."""
    tasks = max(2, tasks // VISITS_A_TASK)
    said = F.col("item_index") == 0
    in_cart = F.col("event_name").isin(*facts.CART_EVENTS)
    visits = rows.filter(F.col("session_id").isNotNull() & (said | in_cart)).select(*OF_A_VISIT).repartition(tasks, "date", "session_id")
    clients = rows.filter(F.col("client_id").isNotNull() & said).select(*OF_A_VISITOR).repartition(tasks, "date", "client_id")
    both = ((visits, facts.OF_SESSIONS), (clients, facts.OF_VISITORS))
    first, second = (frame.mapInArrow(factwriter.visits(keeper(names)), STATS) for frame, names in both)
    return first.unionAll(second).collect()


def kept(
    spark: SparkSession, schemas: dict[str, pa.Schema], names: Iterable[str], stats: list[Any], time_zone: str
) -> dict[str, DataFrame]:
    """The frame of each fact table of ``names``, read from the files that ``stats`` name; order lines have ``hour``, too."""
    frames = {}
    for name in names:
        ddl = ", ".join(f"`{field.name}` {SPARK_TYPES[field.type]}" for field in schemas[name])
        paths = sorted(row["path"] for row in stats if (row["state"], row["name"]) == (factwriter.STATE, name))
        frames[name] = spark.read.schema(ddl).parquet(*paths) if paths else spark.createDataFrame([], ddl)
        if name == "fct_order_line":
            frames[name] = with_hour(frames[name], time_zone, "event_at")
    return frames


def loaded(names: Iterable[str], stats: list[Any]) -> dict[str, int]:
    """The rows of each fact table of ``names`` that executors wrote."""
    return {name: sum(row["rows"] for row in stats if (row["state"], row["name"]) == (factwriter.STATE, name)) for name in names}
