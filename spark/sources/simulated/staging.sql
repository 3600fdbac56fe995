-- One row per item of an event, or per event without items (item_index 0). A discount that the wire leaves out is 0.
-- Times and money are passed on as text: the job holds them to the wire's rules.
SELECT
    event_id,
    shop_id,
    event_name,
    event_time,
    client_id,
    session_id,
    user_id,
    country,
    device,
    channel,
    page,
    currency,
    transaction_id,
    tax,
    shipping,
    coupon,
    coalesce(position, 0) AS item_index,
    item.item_id,
    item.item_name,
    item.item_category,
    item.item_brand,
    item.price,
    item.quantity,
    CASE WHEN item IS NOT NULL THEN coalesce(item.discount, '0') END AS discount,
    CASE
        WHEN schema_version IS NULL THEN 'missing_field: schema_version'
        WHEN schema_version <> 1 THEN 'unknown_version: schema_version'
    END AS _reason,
    _row
FROM {raw}
LATERAL VIEW OUTER posexplode(items) exploded AS position, item
