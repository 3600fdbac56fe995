-- One row per shop-day, dimension and value. Everything is summed to small cubes first; each of their rows then counts for three dimensions.
WITH seen AS (
    SELECT
        shop_id,
        date,
        country,
        channel,
        device,
        count_if(event_name = 'page_view') AS page_views,
        count_if(event_name = 'view_item') AS item_views,
        count_if(event_name = 'add_to_cart') AS add_to_carts,
        count_if(event_name = 'begin_checkout') AS checkouts
    FROM {events}
    WHERE item_index = 0
    GROUP BY shop_id, date, country, channel, device
),
sold AS (
    SELECT
        shop_id,
        date,
        country,
        channel,
        device,
        count(*) AS orders,
        sum(units) AS units,
        coalesce(sum(gross_revenue), 0) AS gross_revenue,
        coalesce(sum(discounts), 0) AS discounts
    FROM {fct_order}
    GROUP BY shop_id, date, country, channel, device
),
corrected AS (
    SELECT
        shop_id,
        date,
        country,
        channel,
        device,
        coalesce(sum(price * quantity - discount) FILTER (WHERE event_name = 'refund'), 0) AS refunds,
        coalesce(sum(price * quantity) FILTER (WHERE event_name = 'adjustment'), 0) AS adjustments
    FROM {events}
    WHERE event_name IN ('refund', 'adjustment')
    GROUP BY shop_id, date, country, channel, device
),
visits AS (
    SELECT
        shop_id,
        date,
        country,
        channel,
        device,
        count(*) AS sessions,
        count_if(add_to_carts > 0) AS sessions_with_cart,
        count_if(orders > 0) AS sessions_with_order,
        count_if(step >= 1) AS reached_view,
        count_if(step >= 2) AS reached_cart,
        count_if(step >= 3) AS reached_checkout,
        count_if(step >= 4) AS reached_order
    FROM {fct_session}
    GROUP BY shop_id, date, country, channel, device
),
parts AS (
    SELECT *, 0 AS orders, 0 AS units, 0 AS gross_revenue, 0 AS discounts, 0 AS refunds, 0 AS adjustments, 0 AS sessions,
           0 AS sessions_with_cart, 0 AS sessions_with_order, 0 AS reached_view, 0 AS reached_cart, 0 AS reached_checkout, 0 AS reached_order
    FROM seen
    UNION ALL
    SELECT shop_id, date, country, channel, device, 0, 0, 0, 0, orders, units, gross_revenue, discounts, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM sold
    UNION ALL
    SELECT shop_id, date, country, channel, device, 0, 0, 0, 0, 0, 0, 0, 0, refunds, adjustments, 0, 0, 0, 0, 0, 0, 0
    FROM corrected
    UNION ALL
    SELECT shop_id, date, country, channel, device, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           sessions, sessions_with_cart, sessions_with_order, reached_view, reached_cart, reached_checkout, reached_order
    FROM visits
),
sides AS (
    SELECT *, inline(array(
        named_struct('dimension', 'country', 'value', country, 'given', :has_country),
        named_struct('dimension', 'channel', 'value', channel, 'given', :has_channel),
        named_struct('dimension', 'device', 'value', device, 'given', :has_device)))
    FROM parts
),
of_events AS (
    SELECT
        shop_id,
        date,
        dimension,
        coalesce(value, '(not set)') AS value,
        sum(page_views) AS page_views,
        sum(item_views) AS item_views,
        sum(add_to_carts) AS add_to_carts,
        sum(checkouts) AS checkouts,
        sum(orders) AS orders,
        sum(units) AS units,
        CASE WHEN :has_price THEN CAST(sum(gross_revenue) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(sum(discounts) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(sum(refunds) AS DECIMAL(18, 4)) END AS refunds,
        CASE WHEN :has_price THEN CAST(sum(adjustments) AS DECIMAL(18, 4)) END AS adjustments,
        CASE WHEN :has_session_id THEN sum(sessions) END AS sessions,
        CASE WHEN :has_session_id THEN sum(sessions_with_cart) END AS sessions_with_cart,
        CASE WHEN :has_session_id THEN sum(sessions_with_order) END AS sessions_with_order,
        CASE WHEN :has_session_id THEN sum(reached_view) END AS reached_view,
        CASE WHEN :has_session_id THEN sum(reached_cart) END AS reached_cart,
        CASE WHEN :has_session_id AND sum(sum(checkouts)) OVER (PARTITION BY shop_id, date, dimension) > 0
            THEN sum(reached_checkout) END AS reached_checkout,
        CASE WHEN :has_session_id THEN sum(reached_order) END AS reached_order
    FROM sides
    WHERE given
    GROUP BY shop_id, date, dimension, coalesce(value, '(not set)')
),
viewed AS (
    SELECT
        shop_id,
        date,
        coalesce(item_category, '(not set)') AS value,
        count_if(event_name = 'view_item') AS item_views,
        count_if(event_name = 'add_to_cart') AS add_to_carts
    FROM {events}
    WHERE :has_item_category AND item_id IS NOT NULL AND event_name IN ('view_item', 'add_to_cart')
    GROUP BY shop_id, date, coalesce(item_category, '(not set)')
),
of_lines AS (
    SELECT
        shop_id,
        date,
        coalesce(category, '(not set)') AS value,
        count_if(line_type = 'purchase' AND first_of_category) AS orders,
        coalesce(sum(quantity) FILTER (WHERE line_type = 'purchase'), 0) AS units,
        coalesce(sum(amount) FILTER (WHERE line_type = 'purchase'), 0) AS gross_revenue,
        coalesce(sum(discount) FILTER (WHERE line_type = 'purchase'), 0) AS discounts,
        coalesce(sum(amount - discount) FILTER (WHERE line_type = 'refund'), 0) AS refunds,
        coalesce(sum(amount) FILTER (WHERE line_type = 'adjustment'), 0) AS adjustments
    FROM {fct_order_line}
    WHERE :has_item_category AND product_id IS NOT NULL
    GROUP BY shop_id, date, coalesce(category, '(not set)')
),
items AS (
    SELECT shop_id, date, value, item_views, add_to_carts, 0 AS orders, 0 AS units, 0 AS gross_revenue, 0 AS discounts, 0 AS refunds, 0 AS adjustments
    FROM viewed
    UNION ALL
    SELECT shop_id, date, value, 0, 0, orders, units, gross_revenue, discounts, refunds, adjustments FROM of_lines
),
of_items AS (
    SELECT
        shop_id,
        date,
        'category' AS dimension,
        value,
        CAST(NULL AS BIGINT) AS page_views,
        sum(item_views) AS item_views,
        sum(add_to_carts) AS add_to_carts,
        CAST(NULL AS BIGINT) AS checkouts,
        sum(orders) AS orders,
        sum(units) AS units,
        CASE WHEN :has_price THEN CAST(sum(gross_revenue) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(sum(discounts) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(sum(refunds) AS DECIMAL(18, 4)) END AS refunds,
        CASE WHEN :has_price THEN CAST(sum(adjustments) AS DECIMAL(18, 4)) END AS adjustments,
        CAST(NULL AS BIGINT) AS sessions,
        CAST(NULL AS BIGINT) AS sessions_with_cart,
        CAST(NULL AS BIGINT) AS sessions_with_order,
        CAST(NULL AS BIGINT) AS reached_view,
        CAST(NULL AS BIGINT) AS reached_cart,
        CAST(NULL AS BIGINT) AS reached_checkout,
        CAST(NULL AS BIGINT) AS reached_order
    FROM items
    GROUP BY shop_id, date, value
)
SELECT *, gross_revenue - discounts - refunds + adjustments AS net_revenue FROM of_events
UNION ALL
SELECT *, gross_revenue - discounts - refunds + adjustments AS net_revenue FROM of_items
