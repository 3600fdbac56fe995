-- One row per shop-day, dimension and value with a cart. A cart is what one session put together on one day.
WITH carts AS (
    SELECT
        shop_id,
        date,
        session_id,
        max(client_id) AS client_id,
        max(country) AS country,
        max(channel) AS channel,
        max(device) AS device,
        min(first_added_at) AS first_added_at,
        max(last_added_at) AS last_added_at,
        sum(amount) AS amount
    FROM {fct_cart_line}
    GROUP BY shop_id, date, session_id
),
in_visit AS (
    SELECT DISTINCT shop_id, session_id FROM {fct_order} WHERE session_id IS NOT NULL
),
later AS (
    SELECT shop_id, date, session_id
    FROM carts
    LEFT SEMI JOIN {fct_order} orders ON orders.shop_id = carts.shop_id AND orders.client_id = carts.client_id
        AND orders.ordered_at >= carts.first_added_at AND orders.ordered_at <= carts.last_added_at + INTERVAL 24 HOURS
),
judged AS (
    SELECT carts.*, in_visit.session_id IS NOT NULL AS is_in_visit, in_visit.session_id IS NULL AND later.session_id IS NOT NULL AS is_later
    FROM carts
    LEFT JOIN in_visit ON in_visit.shop_id = carts.shop_id AND in_visit.session_id = carts.session_id
    LEFT JOIN later ON later.shop_id = carts.shop_id AND later.date = carts.date AND later.session_id = carts.session_id
),
sides AS (
    SELECT *, inline(array(
        named_struct('dimension', 'all', 'value', 'all'),
        named_struct('dimension', 'country', 'value', country),
        named_struct('dimension', 'channel', 'value', channel),
        named_struct('dimension', 'device', 'value', device)))
    FROM judged
)
SELECT
    shop_id,
    date,
    dimension,
    coalesce(value, '(not set)') AS value,
    count(*) AS carts,
    count_if(is_in_visit) AS ordered_in_visit,
    count_if(is_later) AS ordered_later,
    count_if(NOT is_in_visit AND NOT is_later) AS abandoned,
    CAST(sum(amount) AS DECIMAL(18, 4)) AS cart_value,
    CAST(sum(CASE WHEN is_in_visit OR is_later THEN 0 ELSE amount END) AS DECIMAL(18, 4)) AS abandoned_value
FROM sides
GROUP BY shop_id, date, dimension, coalesce(value, '(not set)')
