"""Runs on executors: accepted events to sessions, a shop-day at a time. Sent by value; imports are local.

Spark's own aggregation would keep texts by their time (``min_by``), which it does by sorting every row twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

EARLIEST = {"client_id": "client_id", "user_id": "customer_id", "country": "country", "channel": "channel", "device": "device"}
COUNTED = {
    "page_view": "page_views",
    "view_item": "item_views",
    "add_to_cart": "add_to_carts",
    "begin_checkout": "checkouts",
    "purchase": "orders",
}
READ = ("shop_id", "date", "session_id", "event_time", "event_id", "event_name", "page", *EARLIEST)
SESSIONS = ", ".join(
    [
        "shop_id STRING, date DATE, session_id STRING, started_at TIMESTAMP, ended_at TIMESTAMP",
        *(f"{name} STRING" for name in EARLIEST.values()),
        *(f"{name} BIGINT" for name in COUNTED.values()),
        "step INT, exit_page STRING",
    ]
)


def sessions(batches: Iterable[Any]) -> Iterator[Any]:
    """A function for mapInArrow: rows of ``READ``, those of a day one after another, to rows of ``SESSIONS``.

    Raises:
        ValueError: a day's rows come in two places; its sessions would be counted in parts.
    """
    for day in days(batches):
        yield from of_a_day(day).to_batches()


def days(batches: Iterable[Any]) -> Iterator[Any]:
    """The rows of each day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    today, parts, over = None, [], set()
    for batch in batches:
        for day in pc.unique(batch["date"]).to_pylist():
            if day != today:
                if parts:
                    yield pa.Table.from_batches(parts)
                if day in over:
                    raise ValueError(f"events of {day} come in two places: they are not in order of their days")
                over.add(day)
                today, parts = day, []
            parts.append(batch.filter(pc.equal(batch["date"], day)))
    if parts:
        yield pa.Table.from_batches(parts)


def of_a_day(rows: Any) -> Any:
    """One row per shop and session; attributes are those of its first event that has them, the page that of its last.

    ``step`` is how far it came in order, 0 to 4: viewed, then put in the cart, then began checkout, then bought. An order
    implies a checkout, which not every source records. Events of one instant count in the funnel's order.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows.append_column("_session", pa.array(numbered(rows)))
    rows = rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in ("_session", "event_time", "event_id")]))
    rows = rows.combine_chunks()
    session, place = rows["_session"].to_numpy(), np.arange(len(rows))
    first = np.flatnonzero(np.diff(session, prepend=-1))
    last = np.append(first[1:], len(rows)) - 1
    group = np.repeat(np.arange(len(first)), last - first + 1)
    time = rows["event_time"].cast(pa.int64()).to_numpy()
    name = {event: pc.equal(rows["event_name"], event).to_numpy() for event in COUNTED}

    never = np.iinfo(np.int64).max

    def earliest(mask: Any) -> Any:
        """The time of the first row of ``mask`` in each row's session."""
        return np.minimum.reduceat(np.where(mask, time, never), first)[group]

    def text(column: str, final: bool = False) -> Any:
        """The first (or final) value in each session."""
        given = pc.is_valid(rows[column]).to_numpy()
        at = (
            np.maximum.reduceat(np.where(given, place, -1), first)
            if final
            else np.minimum.reduceat(np.where(given, place, len(rows)), first)
        )
        return rows[column].take(pa.array(at, mask=(at < 0) | (at == len(rows))))

    viewed = earliest(name["view_item"])
    carted = earliest(name["add_to_cart"] & (time >= viewed))
    steps = [viewed < never, carted < never, name["begin_checkout"] & (time >= carted), name["purchase"] & (time >= carted)]
    step = np.maximum.reduceat(np.select(steps[::-1], (4, 3, 2, 1), 0), first)
    columns = {key: rows[key].take(pa.array(first)) for key in ("shop_id", "date", "session_id")}
    columns |= {"started_at": rows["event_time"].take(pa.array(first)), "ended_at": rows["event_time"].take(pa.array(last))}
    columns |= {alias: text(column) for column, alias in EARLIEST.items()}
    columns |= {alias: np.add.reduceat(name[event].astype(np.int64), first) for event, alias in COUNTED.items()}
    columns |= {"step": step.astype(np.int32), "exit_page": text("page", final=True)}
    return pa.table(columns)


def numbered(rows: Any) -> Any:
    """A number for each row's shop and session."""
    import numpy as np
    import pyarrow.compute as pc

    shop, session = (
        pc.dictionary_encode(rows[name]).combine_chunks().indices.to_numpy().astype(np.int64) for name in ("shop_id", "session_id")
    )
    return shop * (session.max() + 1) + session
