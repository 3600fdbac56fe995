"""Runs on executors: staged rows into Parquet files, one a day and task, and their counts. Sent by value; imports are local."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import factwriter

STATS = "state STRING, day DATE, name STRING, path STRING, rows BIGINT, inputs BIGINT, copies BIGINT"


def writer(
    events_folders: dict[Any, str],
    quarantine_folders: dict[Any, str],
    judge: Callable[[Iterable[Any]], Iterator[Any]],
    shop_id: str,
    suppression: Any,
    keep: factwriter.Keeper,
) -> Any:
    """A function for mapInArrow: rows of staging.STAGED, which ``judge`` gives in order of ``event_time``, to rows of ``STATS``.

    The folders by day (None: no day known) receive a file of each task (see factwriter.write_parquet). ``keep`` gets the accepted
    rows, and gives rows of its own.
    ``suppression`` (None while nobody is erased): rows of erased people are written without them, whatever their source left in.
    ``rows`` counts rows of the contract, ``inputs`` input rows, ``copies`` exact copies among them.
    """

    def write(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa
        from pyspark import TaskContext

        context = TaskContext.get()
        written: dict[tuple[str, Any], str] = {}
        counts: dict[tuple[Any, ...], list[int]] = {}
        held_back: dict[Any, list[Any]] = {}
        today, parts, days = None, [], []
        for batch in judge(batches):
            table = classified(without_erased(pa.Table.from_batches([batch])))
            count(table, counts)
            for state, day, part in split(table):
                if state == "quarantined":
                    held_back.setdefault(day, []).append(part)
                    continue
                if day != today:  # in order of time, a day is over when another begins
                    days += write_file(written, "good", today, parts, context)
                    if ("good", day) in written:
                        raise ValueError(f"rows of {day} come twice: they are not in order of event_time")
                    today, parts = day, []
                parts.append(part)
        days += write_file(written, "good", today, parts, context)
        for day, parts in held_back.items():
            write_file(written, "quarantined", day, parts, context)
        yield from factwriter.stats_batch([*report(written, counts), *keep(days)])

    def without_erased(table: Any) -> Any:
        if suppression is None:
            return table
        import pyarrow.compute as pc

        from ecommerce import suppressed_rows
        from ecommerce.erasure_terms import ERASED

        if not pc.any(mask := suppressed_rows.of_erased(table, suppression, shop_id)).as_py():
            return table
        table = suppressed_rows.anonymous(table, mask, suppression, shop_id)
        reason = pc.replace_substring_regex(table["_reason"], pattern=":.*", replacement="")  # details may quote an id
        for name, value in (("_raw", ERASED), ("_reason", reason)):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), pc.if_else(mask, value, table[name]))
        return table

    def classified(table: Any) -> Any:
        """With ``_state`` good, quarantined or excluded, and ``_name``, the reason or the exclusion's name."""
        import pyarrow.compute as pc

        reason, excluded = table["_reason"], table["_excluded"]
        state = pc.if_else(pc.is_valid(reason), "quarantined", pc.if_else(pc.is_valid(excluded), "excluded", "good"))
        return table.append_column("_state", state).append_column("_name", pc.coalesce(reason, excluded))

    def count(table: Any, counts: dict[tuple[Any, ...], list[int]]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        copies = pc.and_(table["_copy"], table["_counts"]).cast(pa.int64())
        table = table.select(["_state", "_day", "_name"]).append_column("c", table["_counts"].cast(pa.int64())).append_column("d", copies)
        for row in table.group_by(["_state", "_day", "_name"]).aggregate([("c", "count"), ("c", "sum"), ("d", "sum")]).to_pylist():
            total = counts.setdefault((row["_state"], row["_day"], row["_name"]), [0, 0, 0])
            for place, name in enumerate(("c_count", "c_sum", "d_sum")):
                total[place] += row[name]

    def split(table: Any) -> Iterator[tuple[str, Any, Any]]:
        import pyarrow.compute as pc

        for row in table.select(["_state", "_day"]).group_by(["_state", "_day"], use_threads=False).aggregate([]).to_pylist():
            state, day = row["_state"], row["_day"]
            if state != "excluded":
                same_day = pc.is_null(table["_day"]) if day is None else pc.equal(table["_day"], day)
                yield state, day, shape(state, table.filter(pc.and_(pc.equal(table["_state"], state), same_day)))

    def shape(state: str, part: Any) -> Any:
        import pyarrow.compute as pc

        from ecommerce.events import FLAT_SCHEMA

        if state == "good":
            return part.select(FLAT_SCHEMA.names).cast(FLAT_SCHEMA)
        part = part.filter(part["_counts"])
        columns = [part["_file"], part["_line"], part["_name"], pc.fill_null(part["_raw"], "")]
        return quarantine_schema().empty_table() if part.num_rows == 0 else part.from_arrays(columns, names=quarantine_schema().names)

    def quarantine_schema() -> Any:
        import pyarrow as pa

        return pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("raw", pa.string())])

    def write_file(written: dict[tuple[str, Any], str], state: str, day: Any, parts: list[Any], context: Any) -> list[tuple[Any, Any]]:
        """The day and its rows; nothing where there are none."""
        import pyarrow as pa

        if not parts:
            return []
        table = pa.concat_tables(parts)
        written[state, day] = factwriter.write_parquet(table, (events_folders if state == "good" else quarantine_folders)[day], context)
        return [(day, table)]

    def report(written: dict[tuple[str, Any], str], counts: dict[tuple[Any, ...], list[int]]) -> list[dict[str, Any]]:
        return [
            {"state": s, "day": d, "name": n, "path": written.get((s, d)), "rows": c[0], "inputs": c[1], "copies": c[2]}
            for (s, d, n), c in counts.items()
        ]

    return write
