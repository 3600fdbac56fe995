"""The facts of a shop's other published days, read from the warehouse by executors, for marts over the whole history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
from load import SPARK_TYPES
from psycopg import sql
from pyspark.sql import DataFrame, SparkSession

from ecommerce import warehouse

ROWS_A_TASK = 250_000
SPAN = "first DATE, last DATE, without ARRAY<DATE>"


@dataclass(frozen=True)
class Past:
    """The published days that a run leaves as they are: by fact table the spans of days, each the work of a task."""

    shop_id: str
    spans: dict[str, list[tuple[date, date, list[date]]]]

    def with_run(self, spark: SparkSession, name: str, frame: DataFrame, staging: warehouse.Staging, dsn: str, alone: bool) -> DataFrame:
        """``frame``, the run's rows of fact table ``name``, with the rows of all other published days.

        ``alone``: ``frame`` lies in one task. What is read then does, too, where it is not much: marts need no shuffle.
        """
        spans = self.spans[name]
        if not spans:
            return frame
        schema, alone = staging.schemas[name], alone and len(spans) == 1
        ddl = ", ".join(f"`{field.name}` {SPARK_TYPES[field.type]}" for field in schema)
        read = _reader(name, schema, self.shop_id, dsn)
        places = spark.createDataFrame(spans, SPAN)
        places = places.coalesce(1) if alone else places.repartition(len(spans))
        # Kept by the first mart that reads it: each would ask the warehouse again.
        past = places.mapInArrow(read, ddl).localCheckpoint(eager=False)
        both = past.unionByName(frame.select(*schema.names))
        return both.coalesce(1) if alone else both


def spans(connection: psycopg.Connection, shop_id: str, days: list[date], tables: Iterable[str]) -> dict[str, Any]:
    """For each of ``tables`` the published days without ``days`` in spans of about ROWS_A_TASK rows."""
    found = {}
    for name in tables:
        query = sql.SQL("SELECT date, count(*) FROM {} WHERE shop_id = %s AND date <> ALL(%s) GROUP BY date ORDER BY date")
        counts = connection.execute(query.format(sql.Identifier("warehouse", name)), (shop_id, days)).fetchall()
        found[name] = [(first, last, [day for day in days if first <= day <= last]) for first, last in _cut(counts)]
    return found


def _cut(counts: list[tuple[date, int]]) -> Iterator[tuple[date, date]]:
    first, rows = None, 0
    for place, (day, number) in enumerate(counts):
        first, rows = first or day, rows + number
        if rows >= ROWS_A_TASK or place == len(counts) - 1:
            yield first, day
            first, rows = None, 0


def _reader(name: str, schema: pa.Schema, shop_id: str, dsn: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """The executors' part; pyspark sends it by value, the rest is imported there."""

    def read(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa
        from adbc_driver_postgresql import dbapi

        # The driver gives NUMERIC as text in any case: say so, and cast it here.
        columns = ", ".join(f'"{f.name}"::text' if pa.types.is_decimal(f.type) else f'"{f.name}"' for f in schema)
        query = f"SELECT {columns} FROM warehouse.{name} WHERE shop_id = $1 AND date BETWEEN $2 AND $3 AND date <> ALL(string_to_array($4, ',')::date[])"
        with dbapi.connect(dsn) as connection, connection.cursor() as cursor:
            for span in (row for batch in batches for row in batch.to_pylist()):
                cursor.execute(query, (shop_id, span["first"], span["last"], ",".join(map(str, span["without"]))))
                for batch in cursor.fetch_record_batch():
                    arrays = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return read
