-- One row per item of an event, or per event without items (item_index 0). A discount that the wire leaves out is 0.
SELECT
    event_id,
    shop_id,
    event_name,
    try_to_timestamp(event_time) AS event_time,
    client_id,
    session_id,
    user_id,
    country,
    device,
    channel,
    page,
    currency,
    transaction_id,
    try_cast(tax AS DECIMAL(18, 4)) AS tax,
    try_cast(shipping AS DECIMAL(18, 4)) AS shipping,
    coupon,
    coalesce(position, 0) AS item_index,
    item.item_id,
    item.item_name,
    item.item_category,
    item.item_brand,
    try_cast(item.price AS DECIMAL(18, 4)) AS price,
    item.quantity,
    CASE WHEN item IS NOT NULL THEN try_cast(coalesce(item.discount, '0') AS DECIMAL(18, 4)) END AS discount,
    CASE
        WHEN schema_version IS NULL THEN 'missing_field: schema_version'
        WHEN schema_version <> 1 THEN 'unknown_version: schema_version'
        WHEN tax IS NOT NULL AND try_cast(tax AS DECIMAL(18, 4)) IS NULL THEN 'bad_money: tax'
        WHEN shipping IS NOT NULL AND try_cast(shipping AS DECIMAL(18, 4)) IS NULL THEN 'bad_money: shipping'
        WHEN item.discount IS NOT NULL AND try_cast(item.discount AS DECIMAL(18, 4)) IS NULL THEN 'bad_money: discount'
    END AS _reason,
    _row
FROM {raw}
LATERAL VIEW OUTER posexplode(items) exploded AS position, item
