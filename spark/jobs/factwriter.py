"""Runs on executors: a task's facts into the run's staging tables and, for the marts, into Parquet files. Sent by value; imports are local."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import facts
import judging

STATE = "fact"
"""Of rows of lakewriter.STATS that speak of a fact table: its name, file and rows."""

Keeper = Callable[[list[tuple[Any, Any]]], list[dict[str, Any]]]


def keeper(names: tuple[str, ...], folder: str, staging: Any, dsn: str) -> Keeper:
    """A function of a task's accepted rows, (day, table) for each day: computes the facts ``names``, and keeps them.

    All of the task's rows reach the staging tables in one transaction; the files are ``<folder>/<name>/part-<task>.parquet``, which a
    retried task replaces. It gives a row of lakewriter.STATS for each table.
    """

    def keep(days: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
        import pyarrow as pa
        from pyspark import TaskContext

        from ecommerce import warehouse

        context = TaskContext.get()
        parts: dict[str, list[Any]] = {}
        for day, rows in days:
            dated = rows.append_column("date", pa.repeat(pa.scalar(day, pa.date32()), len(rows)))
            for name, table in facts.of_a_day(names, dated).items():
                parts.setdefault(name, []).append(table.select(staging.schemas[name].names))
        tables = {name: shaped(pa.concat_tables(some), staging.schemas[name]) for name, some in parts.items()}
        warehouse.copy_tables(dsn, staging, context.partitionId(), {name: table.to_batches() for name, table in tables.items()})
        return [stat(name, table, context) for name, table in tables.items()]

    def shaped(table: Any, schema: Any) -> Any:
        for place, field in enumerate(schema):
            table = table.set_column(place, field, table.column(place).cast(field.type))
        return table

    def stat(name: str, table: Any, context: Any) -> dict[str, Any]:
        path = write_parquet(table, f"{folder}/{name}", context, for_long=False)
        return {"state": STATE, "day": None, "name": name, "path": path, "rows": len(table), "inputs": 0, "copies": 0}

    return keep


def write_parquet(table: Any, folder: str, context: Any, for_long: bool = True) -> str:
    """The path of ``part-<task>.parquet``, written aside and renamed, so that a retried task replaces its own.

    A file that is not ``for_long``, which the run itself reads and deletes, is written as fast as can be.

    It is one row group, which Spark never splits: who reads it has all of its rows in one task, in order. Money is stored as
    integers of 64 bits, which are read several times faster than decimals of fixed length.
    """
    import os
    from pathlib import Path

    import pyarrow.parquet as pq

    final = Path(folder) / f"part-{context.partitionId():05d}.parquet"
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = final.with_suffix(f".{context.taskAttemptId()}.tmp")
    way = {"compression": "zstd"} if for_long else {"compression": "lz4", "write_statistics": False}
    pq.write_table(table, aside, row_group_size=max(1, len(table)), store_decimal_as_integer=True, **way)
    os.replace(aside, final)
    return str(final)


def visits(keep: Keeper) -> Any:
    """A function for mapInArrow: accepted rows with ``date``, all of a visit in one task, to the rows of lakewriter.STATS of its facts."""

    def write(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not (found := list(batches)):
            return
        rows = judging.in_order_of_time(pa.Table.from_batches(found))
        days = [(day, rows.filter(pc.equal(rows["date"], day)).drop_columns("date")) for day in pc.unique(rows["date"]).to_pylist()]
        yield from stats_batch(keep(days))

    return write


def stats_batch(rows: list[dict[str, Any]]) -> Iterator[Any]:
    """Rows of lakewriter.STATS as a batch; none where there are no rows."""
    import pyarrow as pa

    kinds = [pa.string(), pa.date32(), pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int64()]
    names = ["state", "day", "name", "path", "rows", "inputs", "copies"]
    if rows:
        yield pa.RecordBatch.from_pylist(rows, pa.schema(list(zip(names, kinds, strict=True))))
