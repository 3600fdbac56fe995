"""The event contract at rest, as an Arrow schema; read it as ``ecommerce.events.FLAT_SCHEMA``."""

import pyarrow as pa

_MONEY = pa.decimal128(18, 4)

FLAT_SCHEMA = pa.schema([
    pa.field("event_id", pa.string(), nullable=False),
    pa.field("shop_id", pa.string(), nullable=False),
    pa.field("event_name", pa.string(), nullable=False),
    pa.field("event_time", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("client_id", pa.string()),
    pa.field("session_id", pa.string()),
    pa.field("user_id", pa.string()),
    pa.field("country", pa.string()),
    pa.field("device", pa.string()),
    pa.field("channel", pa.string()),
    pa.field("page", pa.string()),
    pa.field("currency", pa.string(), nullable=False),
    pa.field("transaction_id", pa.string()),
    pa.field("tax", _MONEY),
    pa.field("shipping", _MONEY),
    pa.field("coupon", pa.string()),
    pa.field("item_index", pa.int32(), nullable=False),
    pa.field("item_id", pa.string()),
    pa.field("item_name", pa.string()),
    pa.field("item_category", pa.string()),
    pa.field("item_brand", pa.string()),
    pa.field("price", _MONEY),
    pa.field("quantity", pa.int64()),
    pa.field("discount", _MONEY),
])  # fmt: skip
"""At rest: one row per line of an event, or one row (item_index 0, item columns null) of an event without items.
Tax, shipping and coupon stand on every row of their event and count once an event."""

ARCHIVE_SCHEMA = pa.schema([
    *FLAT_SCHEMA,
    pa.field("kafka_partition", pa.int32(), nullable=False),
    pa.field("kafka_offset", pa.int64(), nullable=False),
])  # fmt: skip
"""The flattened contract, and where each row's event stands in the log."""
