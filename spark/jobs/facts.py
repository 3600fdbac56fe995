"""The facts: accepted events of a shop-day to order lines, orders, sessions, carts and visitors. Arrow in, Arrow out.

Runs on executors, in the task that has the rows at hand. Sent by value; imports are local.
"""

from __future__ import annotations

from typing import Any

import sessioning
from grouping import Groups, firsts, largest

ORDER_EVENTS = ("purchase", "refund", "adjustment")
CART_EVENTS = ("add_to_cart", "remove_from_cart")
OF_EVENTS = ("fct_order_line", "fct_order")
"""Computed where all rows of an event lie together."""
OF_SESSIONS = ("fct_session", "fct_cart_line")
"""Computed where all rows of a day and session lie together."""
OF_VISITORS = ("fct_visitor",)
"""Computed where all rows of a day and client lie together."""
OF_VISITS = (*OF_SESSIONS, *OF_VISITORS)
TABLES = (*OF_EVENTS, *OF_VISITS)
UNKNOWN = "(not set)"


def of_a_day(names: tuple[str, ...], rows: Any) -> dict[str, Any]:
    """The rows of each fact table of ``names`` that has any.

    ``rows``: accepted rows of one shop-day, the flattened contract and ``date``, in order of event_time, event_id, item_index.
    """
    found = {}
    for name in names:
        wanted, make = MADE[name]
        mine = rows.filter(wanted(rows))
        if mine.num_rows:
            found[name] = make(mine.combine_chunks())
    return found


def _of_orders(rows: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(rows["event_name"], value_set=pa.array(ORDER_EVENTS))


def order_lines(rows: Any) -> Any:
    """One row per line of a purchase, refund or adjustment."""
    import pyarrow as pa
    import pyarrow.compute as pc

    same = ("shop_id", "date", "event_id", "item_index", "transaction_id", "session_id", "quantity", "price", "discount")
    renamed = {"line_type": "event_name", "event_at": "event_time", "customer_id": "user_id", "product_id": "item_id"}
    renamed |= {"category": "item_category"} | {name: name for name in same}
    lines = pa.table({name: rows[column] for name, column in renamed.items()} | {"amount": amounts(rows, rows["quantity"])})
    category = pc.fill_null(lines["category"], UNKNOWN)
    of_order = (lines["event_id"], lines["transaction_id"])  # an event of the archive may name two orders
    of_product, of_category = (firsts(*of_order, column) for column in (lines["product_id"], category))
    return lines.append_column("first_of_product", pa.array(of_product)).append_column("first_of_category", pa.array(of_category))


def amounts(rows: Any, quantity: Any) -> Any:
    """price x quantity as money, exactly; NULL where there is no price."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.multiply(rows["price"], quantity.cast(pa.decimal128(19, 0))).cast(pa.decimal128(18, 4))


def _of_purchases(rows: Any) -> Any:
    import pyarrow.compute as pc

    return pc.equal(rows["event_name"], "purchase")


def orders(rows: Any) -> Any:
    """One row per order: its attributes are those of the first line, tax and shipping count once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    groups = Groups(rows.append_column("_amount", amounts(rows, rows["quantity"])), "transaction_id", "event_id")
    first_line = pc.equal(groups.rows["item_index"], 0).to_numpy()
    columns = {name: groups.first(name) for name in ("shop_id", "date", "transaction_id", "event_id")}
    said = {"customer_id": "user_id"} | {name: name for name in ("client_id", "session_id", "country", "channel", "device", "coupon")}
    columns |= {name: groups.first(column, first_line) for name, column in {**said, "tax": "tax", "shipping": "shipping"}.items()}
    sums = groups.aggregated(("event_time", "min"), ("quantity", "sum"), ("_amount", "sum"), ("discount", "sum"))
    columns |= dict(zip(("ordered_at", "units", "gross_revenue", "discounts"), sums, strict=True))
    return pa.table({**columns, "lines": groups.sizes})


def _of_sessions(rows: Any) -> Any:
    import pyarrow.compute as pc

    return pc.and_(pc.is_valid(rows["session_id"]), pc.equal(rows["item_index"], 0))


def _of_visitors(rows: Any) -> Any:
    import pyarrow.compute as pc

    return pc.and_(pc.is_valid(rows["client_id"]), pc.equal(rows["item_index"], 0))


def visitors(rows: Any) -> Any:
    """One row per visitor and day in which it has an accepted event."""
    import pyarrow as pa

    groups = Groups(rows, "client_id")
    first, last = groups.aggregated(("event_time", "min"), ("event_time", "max"))
    columns = {name: groups.first(name) for name in ("shop_id", "date", "client_id")}
    return pa.table({**columns, "first_seen_at": first, "last_seen_at": last, "events": groups.sizes})


def _of_carts(rows: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    of_carts = pc.is_in(rows["event_name"], value_set=pa.array(CART_EVENTS))
    return pc.and_(of_carts, pc.and_(pc.is_valid(rows["session_id"]), pc.is_valid(rows["item_id"])))


def cart_lines(rows: Any) -> Any:
    """One row per session, day and product put in a cart; the price is that of the last addition."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    groups = Groups(rows, "session_id", "item_id")
    added = pc.equal(groups.rows["event_name"], "add_to_cart").to_numpy()
    quantity = groups.rows["quantity"].to_numpy()
    put, taken = (np.add.reduceat(np.where(mask, quantity, 0), groups.firsts) for mask in (added, ~added))
    columns = {name: groups.first(name) for name in ("shop_id", "date", "session_id")} | {"product_id": groups.first("item_id")}
    said = {"client_id": "client_id", "customer_id": "user_id", "country": "country", "channel": "channel", "device": "device"}
    columns |= {name: largest(groups, column) for name, column in said.items()}
    columns |= {"first_added_at": groups.first("event_time", added), "last_added_at": groups.last("event_time", added)}
    columns |= {"quantity_added": put, "quantity_removed": taken, "price": groups.last("price", added)}
    found = pa.table(columns).append_column("_left", pa.array(np.maximum(put - taken, 0))).filter(pa.array(put > 0))
    return found.append_column("amount", amounts(found, found["_left"])).drop_columns("_left")


MADE = {
    "fct_order_line": (_of_orders, order_lines),
    "fct_order": (_of_purchases, orders),
    "fct_session": (_of_sessions, sessioning.sessions),
    "fct_cart_line": (_of_carts, cart_lines),
    "fct_visitor": (_of_visitors, visitors),
}
"""For each fact table: which rows it is made of, and how."""
