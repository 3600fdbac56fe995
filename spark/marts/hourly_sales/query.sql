-- One row per shop-day and hour of the shop's clock with an accepted event.
WITH hours AS (
    SELECT
        shop_id,
        date,
        hour,
        count_if(item_index = 0) AS events,
        count_if(item_index = 0 AND event_name = 'page_view') AS page_views,
        count_if(item_index = 0 AND event_name = 'view_item') AS item_views,
        count_if(item_index = 0 AND event_name = 'add_to_cart') AS add_to_carts,
        count_if(item_index = 0 AND event_name = 'begin_checkout') AS checkouts,
        count_if(item_index = 0 AND event_name = 'purchase') AS orders,
        coalesce(sum(quantity) FILTER (WHERE event_name = 'purchase'), 0) AS units,
        CASE WHEN :has_price THEN CAST(coalesce(sum(price * quantity) FILTER (WHERE event_name = 'purchase'), 0) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(coalesce(sum(discount) FILTER (WHERE event_name = 'purchase'), 0) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(coalesce(sum(price * quantity - discount) FILTER (WHERE event_name = 'refund'), 0) AS DECIMAL(18, 4)) END AS refunds,
        CASE WHEN :has_price THEN CAST(coalesce(sum(price * quantity) FILTER (WHERE event_name = 'adjustment'), 0) AS DECIMAL(18, 4)) END AS adjustments,
        CASE WHEN :has_tax THEN coalesce(sum(tax) FILTER (WHERE item_index = 0 AND event_name = 'purchase'), 0) END AS tax,
        CASE WHEN :has_shipping THEN coalesce(sum(shipping) FILTER (WHERE item_index = 0 AND event_name = 'purchase'), 0) END AS shipping
    FROM {events}
    GROUP BY shop_id, date, hour
)
SELECT *, gross_revenue - discounts - refunds + adjustments AS net_revenue
FROM hours
