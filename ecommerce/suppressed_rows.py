"""Erased people stay erased in tables of events: which rows are theirs, and what takes the place of their ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ecommerce.suppression import CLIENT, CUSTOMER, TOKEN, TOKENS, Suppression


def anonymous(table: pa.Table, mask: Any, suppression: Suppression, shop_id: str) -> pa.Table:
    """``table``, with columns of the event contract, whose rows of ``mask`` have no customer, and tokens for their other ids."""
    for name in (*TOKENS, "event_id", "user_id"):
        place, column = table.schema.get_field_index(name), table[name].combine_chunks()
        new = [_stand_in(suppression, shop_id, name, value) for value in column.filter(mask).to_pylist()]
        filled = pc.replace_with_mask(
            column, mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask, pa.array(new, column.type)
        )
        table = table.set_column(place, table.schema.field(place), filled)
    return table


def _stand_in(suppression: Suppression, shop_id: str, name: str, value: str | None) -> str | None:
    return None if value is None or name == "user_id" else suppression.stand_in(shop_id, name, value)


def of_erased(table: pa.Table, suppression: Suppression, shop_id: str) -> Any:
    """The mask of the rows that are an erased person's: by customer, which may be a token already, else by client."""
    customer = _named(table["user_id"], lambda id: id.startswith(TOKEN) or suppression.names(shop_id, CUSTOMER, id))
    client = _named(table["client_id"], lambda id: suppression.names(shop_id, CLIENT, id))
    return pc.or_(customer, pc.and_(pc.is_null(table["user_id"]), client)).combine_chunks()


def _named(column: pa.ChunkedArray, is_named: Callable[[str], bool]) -> Any:
    named = [id for id in pc.unique(column).to_pylist() if id and is_named(id)]
    return pc.is_in(column, pa.array(named, column.type))
