"""From the flattened contract back to wire events."""

from __future__ import annotations

from typing import Any

from ecommerce.events import SCHEMA_VERSION, Event, Item


def event_of(rows: list[dict[str, Any]]) -> Event:
    """The event of ``rows``, its lines in order, as Arrow gives them (``to_pylist``)."""
    first = rows[0]
    return Event(
        event_id=first["event_id"],
        shop_id=first["shop_id"],
        event_name=first["event_name"],
        event_time=first["event_time"],
        client_id=first["client_id"],
        session_id=first["session_id"],
        currency=first["currency"],
        schema_version=SCHEMA_VERSION,
        user_id=first["user_id"],
        country=first["country"],
        device=first["device"],
        channel=first["channel"],
        page=first["page"],
        transaction_id=first["transaction_id"],
        tax=_money(first["tax"]),
        shipping=_money(first["shipping"]),
        coupon=first["coupon"],
        items=[_item(row) for row in rows if row["item_id"] is not None],
    )


def _item(row: dict[str, Any]) -> Item:
    return Item(
        item_id=row["item_id"],
        price=_money(row["price"]),
        quantity=row["quantity"],
        item_name=row["item_name"],
        item_category=row["item_category"],
        item_brand=row["item_brand"],
        discount=_money(row["discount"]) if row["discount"] else "0",
    )


def _money(value: Any) -> str | None:
    return None if value is None else f"{value:f}"
