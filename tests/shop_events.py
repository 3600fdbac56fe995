"""Events for tests: valid ones of the contract, and their wire form."""

import uuid
from datetime import UTC, datetime, timedelta

from ecommerce.events import Event, Item
from ecommerce.shops import Shop

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SHOP = Shop("demo", "Demo", "Europe/Berlin", "EUR")


def event(name: str = "page_view", minutes: float = 0, **fields) -> Event:
    """An event of the demo shop, ``minutes`` after noon UTC."""
    made = {
        "event_id": str(uuid.uuid4()),
        "shop_id": "demo",
        "event_name": name,
        "event_time": NOON + timedelta(minutes=minutes),
        "client_id": "visitor-1",
        "session_id": "session-1",
        "currency": "EUR",
        "schema_version": 1,
        **fields,
    }
    if name in ("view_item", "add_to_cart", "remove_from_cart", "purchase", "refund", "adjustment"):
        made.setdefault("items", [Item("SKU-1", "10.00", 2, item_name="Mug", discount="1.50")])
    return Event(**made)


def purchase(transaction_id: str, minutes: float = 0, **fields) -> Event:
    """A purchase worth 20.00 gross, 1.50 discount, 3.00 tax and 4.90 shipping, unless ``fields`` say otherwise."""
    return event("purchase", minutes, transaction_id=transaction_id, **{"tax": "3.00", "shipping": "4.90", **fields})
