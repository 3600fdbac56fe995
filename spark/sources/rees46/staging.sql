-- One row per event. The data names no orders: each purchase row is an order of its own.
SELECT
    CASE event_type
        WHEN 'view' THEN 'view_item'
        WHEN 'cart' THEN 'add_to_cart'
        WHEN 'remove_from_cart' THEN 'remove_from_cart'
        WHEN 'purchase' THEN 'purchase'
    END AS event_name,
    try_to_timestamp(event_time, 'yyyy-MM-dd HH:mm:ss VV') AS event_time,
    user_id AS client_id,
    user_session AS session_id,
    user_id AS user_id,
    :currency AS currency,
    CASE WHEN event_type = 'purchase' THEN _event_id END AS transaction_id,
    product_id AS item_id,
    coalesce(category_code, category_id) AS item_category,
    brand AS item_brand,
    price,
    CAST(1 AS BIGINT) AS quantity,
    _row
FROM {raw}
