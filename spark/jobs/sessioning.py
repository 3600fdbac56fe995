"""Runs on executors: accepted events to sessions, a shop-day at a time. Sent by value; imports are local.

Spark's own aggregation would keep texts by their time (``min_by``), which it does by sorting every row twice.
"""

from __future__ import annotations

from typing import Any

from grouping import Groups

EARLIEST = {"client_id": "client_id", "user_id": "customer_id", "country": "country", "channel": "channel", "device": "device"}
COUNTED = {
    "page_view": "page_views",
    "view_item": "item_views",
    "add_to_cart": "add_to_carts",
    "begin_checkout": "checkouts",
    "purchase": "orders",
}


def sessions(rows: Any) -> Any:
    """One row per session; attributes are those of its first event that has them, the page that of its last.

    ``rows``: one for each event, in order of event_time and event_id. ``step`` is how far a session came in order, 0 to 4: viewed,
    then put in the cart, then began checkout, then bought. An order implies a checkout, which not every source records. Events of
    one instant count in the funnel's order.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    groups = Groups(rows, "shop_id", "session_id")
    rows, first = groups.rows, groups.firsts
    time = rows["event_time"].cast(pa.int64()).to_numpy()
    name = {event: pc.equal(rows["event_name"], event).to_numpy() for event in COUNTED}
    never = np.iinfo(np.int64).max

    def earliest(mask: Any) -> Any:
        """The time of the first row of ``mask`` in each row's session."""
        return np.minimum.reduceat(np.where(mask, time, never), first)[groups.of_row]

    given = lambda column: pc.is_valid(rows[column]).to_numpy()  # noqa: E731
    viewed = earliest(name["view_item"])
    carted = earliest(name["add_to_cart"] & (time >= viewed))
    steps = [viewed < never, carted < never, name["begin_checkout"] & (time >= carted), name["purchase"] & (time >= carted)]
    step = np.maximum.reduceat(np.select(steps[::-1], (4, 3, 2, 1), 0), first)
    columns = {key: groups.first(key) for key in ("shop_id", "date", "session_id")}
    columns |= {"started_at": groups.first("event_time"), "ended_at": groups.last("event_time")}
    columns |= {alias: groups.first(column, given(column)) for column, alias in EARLIEST.items()}
    columns |= {alias: np.add.reduceat(name[event].astype(np.int64), first) for event, alias in COUNTED.items()}
    columns |= {"step": step.astype(np.int32), "exit_page": groups.last("page", given("page"))}
    return pa.table(columns)
