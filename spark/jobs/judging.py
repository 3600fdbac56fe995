"""Runs on executors: the verdicts on staged rows (staging.STAGED) that need more than one row. Sent by value; imports are local.

A verdict takes and gives a table of one input partition's rows, in order of their place in the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

BATCH_ROWS = 20_000


def judged(*verdicts: Callable[[Any], Any]) -> Any:
    """A function for mapInArrow: the rows of a task, which has all rows that a verdict compares, after ``verdicts`` one by one."""

    def judge(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa

        if not verdicts:
            yield from batches
        elif found := list(batches):
            for part in by_part(pa.Table.from_batches(found)):
                for verdict in verdicts:
                    part = verdict(part)
                yield from part.to_batches(max_chunksize=BATCH_ROWS)

    return judge


def ids_noted(folder: str) -> Callable[[Any], Any]:
    """A verdict that judges nothing: it notes, in ``folder``, a number for each event that the task has; see :func:`torn`."""

    def note(rows: Any) -> Any:
        import os
        from pathlib import Path

        import numpy as np
        from pandas.util import hash_array
        from pyspark import TaskContext

        context = TaskContext.get()
        final = Path(folder) / f"{rows['_part'][0]}_{context.partitionId()}.npy"
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_suffix(f".{context.taskAttemptId()}.tmp")
        with aside.open("wb") as stream:
            np.save(stream, np.unique(hash_array(rows["event_id"].to_numpy(zero_copy_only=False), categorize=False)))
        os.replace(aside, final)
        return rows

    return note


def torn(folder: Path) -> bool:
    """Whether an event of an input partition lies in two tasks by what :func:`ids_noted` has noted in ``folder``.

    Two events whose numbers are equal by chance are taken for one.
    """
    import numpy as np

    of_parts: dict[str, list[Any]] = {}
    for path in folder.glob("*.npy"):
        of_parts.setdefault(path.name.partition("_")[0], []).append(np.load(path))
    return any(np.any(np.diff(np.sort(np.concatenate(some))) == 0) for some in of_parts.values())


def by_part(rows: Any) -> Iterator[Any]:
    """The rows of each input partition: a range then gives what its days give one by one."""
    import numpy as np
    import pyarrow.compute as pc

    for part in sorted(pc.unique(rows["_part"]).to_pylist()):
        mine = rows.filter(pc.equal(rows["_part"], part)).combine_chunks()
        yield mine.take(np.lexsort((mine["_line"].to_numpy(), mine["_number"].to_numpy())))


def lines_and_copies(rows: Any) -> Any:
    """A line is refused as a whole, with the text that one of its rows has; all but the first copy of an accepted event are excluded."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = codes(rows["event_id"])
    place = places(rows)
    if rows["_reason"].null_count < len(rows):
        lines = place * (ids.max() + 1) + ids
        refused = np.flatnonzero(pc.is_valid(rows["_reason"]).to_numpy())
        worst: dict[int, tuple[str, str]] = {}
        texts = zip(*(rows[name].take(refused).to_pylist() for name in ("_reason", "_raw")), strict=True)
        for line, (reason, raw) in zip(lines[refused].tolist(), texts, strict=True):
            known = worst.get(line, ("", ""))
            worst[line] = (max(known[0], reason), max(known[1], raw or ""))
        mask = np.isin(lines, np.fromiter(worst, dtype=np.int64))
        for which, name in enumerate(("_reason", "_raw")):
            rows = put(rows, name, mask, pa.array([worst[line][which] for line in lines[mask].tolist()], pa.string()))
    fine = accepted(rows)
    first = np.full(ids.max() + 1, len(rows))
    np.minimum.at(first, ids[fine], place[fine])
    again = fine & (place > first[ids])
    return put(rows, "_excluded", again, pa.repeat(pa.scalar("duplicate_event"), int(again.sum()))) if again.any() else rows


def one_event_an_order(rows: Any) -> Any:
    """A second event of an order is refused, not left out as a copy is: the same verdict as live."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    of_orders = pc.and_(pc.equal(rows["event_name"], "purchase"), pc.is_valid(rows["transaction_id"]))
    at = np.flatnonzero(accepted(rows) & pc.fill_null(of_orders, False).to_numpy())
    if not len(at):
        return rows
    events, orders = rows["event_id"].take(at), codes(rows["transaction_id"].take(at))
    _, first, order = np.unique(orders, return_index=True, return_inverse=True)
    counted, ids = first[order], codes(events)  # of each row of an order: the row that counts, and the event
    second = ids != ids[counted]
    if not second.any():
        return rows
    mask = np.zeros(len(rows), bool)
    mask[at[second]] = True
    by = events.take(counted[second]).to_pylist()
    return put(rows, "_reason", mask, pa.array([f"duplicate_order: counted by event {event_id}" for event_id in by]))


def in_order_of_time(rows: Any) -> Any:
    """The lake writer's order."""
    import pyarrow.compute as pc

    keys = [(name, "ascending", "at_start") for name in ("event_time", "event_id", "item_index")]
    return rows.take(pc.sort_indices(rows, sort_keys=keys))


def accepted(rows: Any) -> Any:
    import pyarrow.compute as pc

    return pc.and_(pc.is_null(rows["_reason"]), pc.is_null(rows["_excluded"])).to_numpy()


def places(rows: Any) -> Any:
    """The number of each row's line, from 0, of rows in the order of their lines."""
    import numpy as np

    steps = [np.diff(rows[name].to_numpy(), prepend=rows[name][0].as_py()) != 0 for name in ("_number", "_line")]
    return np.cumsum(steps[0] | steps[1])


def codes(texts: Any) -> Any:
    """A number for each text; equal ones have the same, and so have all that are NULL."""
    import pyarrow.compute as pc

    return pc.dictionary_encode(texts, null_encoding="encode").combine_chunks().indices.to_numpy()


def put(rows: Any, name: str, mask: Any, values: Any) -> Any:
    """``rows`` with ``values``, one for each True of ``mask``, in the column ``name``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.replace_with_mask(rows[name].combine_chunks(), pa.array(mask), values)
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
