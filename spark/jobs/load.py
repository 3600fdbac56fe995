"""Frames into the run's staging tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import reduce
from typing import Any

import connect
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from ecommerce import warehouse

MOST_ACTIONS = 4
LOADED = "name STRING, task BIGINT, loaded BIGINT"
SPARK_TYPES = {
    pa.string(): "STRING", pa.date32(): "DATE", pa.int32(): "INT", pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN",
    pa.float64(): "DOUBLE", pa.decimal128(18, 4): "DECIMAL(18,4)", pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}  # fmt: skip


class Loading:
    """Actions of Spark that load frames, several at a time: while one is planned another is computed.

    The block's end waits for them; a block that fails, or one of whose actions has failed, cancels the others.
    """

    def __init__(self, spark: SparkSession, run_id: str, staging: warehouse.Staging, dsn: str) -> None:
        self._spark, self._run_id, self._staging, self._dsn = spark, run_id, staging, dsn
        self._pool = ThreadPoolExecutor(MOST_ACTIONS, thread_name_prefix="load")
        self._calls: list[Future[dict[str, int]]] = []
        self._cancelled = connect.cancelled_on_error(spark, run_id)

    def do(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call ``call``, which starts an action of its own."""

        def tagged() -> Any:
            self._spark.addTag(self._run_id)  # a tag is a thread's own
            return call(*arguments)

        return self._pool.submit(tagged)

    def begin(self, frames: dict[str, DataFrame]) -> None:
        """Have ``frames`` loaded (see :func:`load`) in one action."""
        self._calls.append(self.do(load, frames, self._staging, self._dsn))

    def rows(self) -> dict[str, int]:
        """The rows loaded into each table, when all are there."""
        return {name: rows for call in as_completed(self._calls) for name, rows in call.result().items()}

    def __enter__(self) -> Loading:
        self._cancelled.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        try:
            self._cancelled.__exit__(*exception)
        finally:
            self._pool.shutdown()


def load(frames: dict[str, DataFrame], staging: warehouse.Staging, dsn: str) -> dict[str, int]:
    """COPY each frame into the staging table of its name, all in one Spark action.

    Returns:
        The rows that the executors wrote, by table.
    """
    tasks = [_loading(name, frame, staging, dsn) for name, frame in frames.items()]
    rows = dict.fromkeys(frames, 0)
    for row in reduce(DataFrame.unionAll, tasks, _apart(next(iter(frames.values())).sparkSession)).collect():
        if row["name"]:
            rows[row["name"]] += row["loaded"]
    return rows


def _apart(spark: SparkSession) -> DataFrame:
    """Rows of no table, in two tasks: a union of frames that all lie in one task would be one task itself, on one core."""
    zero = F.lit(0).cast("BIGINT")
    return spark.range(0, 2, 1, 2).select(F.lit("").alias("name"), zero.alias("task"), zero.alias("loaded"))


def _loading(name: str, frame: DataFrame, staging: warehouse.Staging, dsn: str) -> DataFrame:
    shaped = frame.select(*[_cast(field).alias(field.name) for field in staging.schemas[name]])
    return shaped.mapInArrow(_copier(name, staging, dsn), LOADED)


def _cast(field: pa.Field) -> Column:
    return F.col(field.name).cast(SPARK_TYPES[field.type])


def _copier(name: str, staging: warehouse.Staging, dsn: str) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """The executors' part; pyspark sends it by value, the rest is imported there."""

    def copy(batches: Iterable[Any]) -> Iterator[Any]:
        from itertools import chain

        import pyarrow as pa
        from pyspark import TaskContext

        from ecommerce import warehouse

        batches = iter(batches)
        first = next(batches, None)
        if first is not None:
            task = TaskContext.get().partitionId()
            rows = warehouse.copy_tables(dsn, staging, task, {name: chain([first], batches)})[name]
            yield pa.RecordBatch.from_pydict({"name": [name], "task": pa.array([task], pa.int64()), "loaded": pa.array([rows], pa.int64())})

    return copy
