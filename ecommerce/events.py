"""The event contract, version 1: one Struct, decoding, validation, and the closed list of reasons for refusal.

Names follow GA4's e-commerce events (https://developers.google.com/analytics/devguides/collection/ga4/ecommerce).
Money is a decimal string on the wire, DECIMAL(18,4) at rest and an integer of 1/10,000 in Redis.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from ecommerce.shops import Shop

SCHEMA_VERSION = 1
MAX_BYTES = 64 * 1024
MAX_FUTURE = timedelta(minutes=5)
EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
"""Before it there is no room to convert a time to another zone."""
MAX_SKEW = timedelta(seconds=30)
"""A client's clock that is off by less is left alone: so long may an event be on its way."""
MONEY_SCALE = 10_000
MAX_AMOUNT = 10**11 * MONEY_SCALE
"""The largest line, tax or shipping, in 1/10,000: a thousand such lines still add up within DECIMAL(18,4)."""

EventName = Literal[
    "page_view", "view_item_list", "view_item", "add_to_cart", "remove_from_cart",
    "begin_checkout", "purchase", "refund", "adjustment",
]  # fmt: skip
EVENT_NAMES: tuple[str, ...] = EventName.__args__
NEED_ITEMS = frozenset({"view_item", "add_to_cart", "remove_from_cart", "purchase", "refund", "adjustment"})


class Reason(StrEnum):
    """Why an event was refused; a refused event has exactly one."""

    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_SHOP = "unknown_shop"
    UNKNOWN_EVENT = "unknown_event"
    MISSING_FIELD = "missing_field"
    BAD_TYPE = "bad_type"
    BAD_MONEY = "bad_money"
    BAD_TIME = "bad_time"
    CURRENCY_MISMATCH = "currency_mismatch"
    DUPLICATE_ORDER = "duplicate_order"


class Refused(Exception):
    """A message is not an event of the contract: its reason and, in words, what is wrong where."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Text = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")]
Money = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,4})?$")]
Uuid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Item(msgspec.Struct, omit_defaults=True):
    """One product of an event. ``discount`` is the whole line's, in currency; ``price`` is one unit's."""

    item_id: Id
    price: Money
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    item_name: Text | None = None
    item_category: Text | None = None
    item_brand: Text | None = None
    discount: Money = "0"


class Event(msgspec.Struct, omit_defaults=True):
    """One shop event as it travels on the wire; see the module for units."""

    event_id: Uuid
    shop_id: Id
    event_name: EventName
    event_time: Instant
    client_id: Id
    session_id: Id
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
    schema_version: int
    user_id: Id | None = None
    country: Text | None = None
    device: Text | None = None
    channel: Text | None = None
    page: Text | None = None
    transaction_id: Id | None = None
    tax: Money | None = None
    shipping: Money | None = None
    coupon: Text | None = None
    sent_at: Instant | None = None
    items: Annotated[list[Item], msgspec.Meta(max_length=500)] = []

    @property
    def key(self) -> bytes:
        """The Kafka key: one visitor's events keep their order."""
        return f"{self.shop_id}:{self.client_id}".encode()


class _Version(msgspec.Struct):
    schema_version: int


_decoder = msgspec.json.Decoder(Event)
_version_decoder = msgspec.json.Decoder(_Version)
_encoder = msgspec.json.Encoder()
encode = _encoder.encode


def money_units(text: str) -> int:
    """``text``, a decimal string with at most four places, in units of 1/10,000."""
    whole, _, fraction = text.partition(".")
    units = int(whole.lstrip("-")) * MONEY_SCALE + int(fraction.ljust(4, "0") or 0)
    return -units if whole.startswith("-") else units


def money_text(units: int) -> str:
    """The decimal string, four places, of ``units`` of 1/10,000."""
    whole, fraction = divmod(abs(units), MONEY_SCALE)
    return f"{'-' if units < 0 else ''}{whole}.{fraction:04d}"


def decode(raw: bytes) -> Event:
    """The event in ``raw``, one JSON object in UTF-8.

    Raises:
        Refused: ``raw`` is too large, not JSON, of another version, or not of the contract's shape.
    """
    if len(raw) > MAX_BYTES:
        raise Refused(Reason.TOO_LARGE, f"{len(raw)} bytes; at most {MAX_BYTES}")
    try:
        event = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _shape_refusal(raw, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(Reason.NOT_JSON, str(error)) from None
    if event.schema_version != SCHEMA_VERSION:
        raise Refused(Reason.UNKNOWN_VERSION, f"schema_version {event.schema_version}; known: {SCHEMA_VERSION}")
    check_text(raw)
    return event


def check_text(raw: bytes) -> None:
    """Check what decoding passes over: UTF-8 in fields that nobody reads, and names that stand twice in one object.

    Raises:
        Refused: ``raw`` is not UTF-8, or a name stands twice, so that readers would differ on what it says.
    """
    try:
        json.loads(raw, object_pairs_hook=_unique, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Refused(Reason.NOT_JSON, str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"the name {max(names, key=names.count)!r} stands twice in one object")


def corrected(event: Event, written: datetime) -> Event:
    """``event`` with its time put right by its client's skew: ``written`` (when Kafka had it) less ``sent_at``.

    Raises:
        Refused: the corrected time is none.
    """
    if event.sent_at is None or abs(skew := written - event.sent_at) <= MAX_SKEW:
        return event
    try:
        return msgspec.structs.replace(event, event_time=event.event_time + skew)
    except OverflowError:
        raise Refused(Reason.BAD_TIME, f"event_time {event.event_time.isoformat()} by a clock that is {skew} off") from None


def _shape_refusal(raw: bytes, message: str) -> Refused:
    """The one reason behind msgspec's message on a message of the wrong shape."""
    try:
        version = _version_decoder.decode(raw).schema_version
    except msgspec.DecodeError:
        version = SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        return Refused(Reason.UNKNOWN_VERSION, f"schema_version {version}; known: {SCHEMA_VERSION}")
    if "missing required field" in message:
        return Refused(Reason.MISSING_FIELD, message)
    path = message.rpartition("`")[0].rpartition("`")[2]
    if path == "$.event_name" and "enum" in message:
        return Refused(Reason.UNKNOWN_EVENT, message)
    if path in ("$.event_time", "$.sent_at"):
        return Refused(Reason.BAD_TIME, message)
    if path.rpartition(".")[2] in {"price", "discount", "tax", "shipping"}:
        return Refused(Reason.BAD_MONEY, message)
    return Refused(Reason.BAD_TYPE, message)


def validate(event: Event, shops: Mapping[str, Shop], now: datetime) -> None:
    """Check what the shape alone cannot say; ``now`` is the aware current time.

    Raises:
        Refused: the shop is unknown, the currency not the shop's, the time more than five minutes
            ahead, a field that the event needs is absent, or an amount is out of its range.
    """
    shop = shops.get(event.shop_id)
    if shop is None:
        raise Refused(Reason.UNKNOWN_SHOP, f"shop_id {event.shop_id!r} is not in shops.toml")
    if event.currency != shop.currency:
        raise Refused(Reason.CURRENCY_MISMATCH, f"{event.currency}; the shop's currency is {shop.currency}")
    if event.event_time < EARLIEST:
        raise Refused(Reason.BAD_TIME, f"event_time {event.event_time.isoformat()} is before {EARLIEST.isoformat()}")
    if event.event_time - now > MAX_FUTURE:
        raise Refused(Reason.BAD_TIME, f"event_time {event.event_time.isoformat()} is in the future")
    if event.event_name in NEED_ITEMS and not event.items:
        raise Refused(Reason.MISSING_FIELD, f"{event.event_name} without items")
    if event.event_name == "purchase" and event.transaction_id is None:
        raise Refused(Reason.MISSING_FIELD, "purchase without transaction_id")
    _validate_money(event)


def _validate_money(event: Event) -> None:
    for name, text in (("tax", event.tax), ("shipping", event.shipping)):
        if text is not None and not 0 <= money_units(text) <= MAX_AMOUNT:
            raise Refused(Reason.BAD_MONEY, f"{name} {text} is negative or too large")
    for index, item in enumerate(event.items):
        price, discount = money_units(item.price), money_units(item.discount)
        if abs(price) * item.quantity > MAX_AMOUNT:
            raise Refused(Reason.BAD_MONEY, f"items[{index}]: {item.quantity} at {item.price} is more than a line can be")
        if event.event_name != "adjustment" and (price < 0 or not 0 <= discount <= price * item.quantity):
            raise Refused(Reason.BAD_MONEY, f"items[{index}]: price {item.price}, discount {item.discount}")


def __getattr__(name: str) -> Any:
    """FLAT_SCHEMA, when it is asked for: pyarrow costs 40 MB that most processes need not carry."""
    if name == "FLAT_SCHEMA":
        from ecommerce.flat_schema import FLAT_SCHEMA

        return FLAT_SCHEMA
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
