-- One row per shop-day and hour of the shop's clock with an accepted event.
WITH seen AS (
    SELECT
        shop_id,
        date,
        hour,
        count(*) AS events,
        count_if(event_name = 'page_view') AS page_views,
        count_if(event_name = 'view_item') AS item_views,
        count_if(event_name = 'add_to_cart') AS add_to_carts,
        count_if(event_name = 'begin_checkout') AS checkouts,
        count_if(event_name = 'purchase') AS orders,
        coalesce(sum(tax) FILTER (WHERE event_name = 'purchase'), 0) AS tax,
        coalesce(sum(shipping) FILTER (WHERE event_name = 'purchase'), 0) AS shipping
    FROM {events}
    WHERE item_index = 0
    GROUP BY shop_id, date, hour
),
sold AS (
    SELECT
        shop_id,
        date,
        hour,
        coalesce(sum(quantity) FILTER (WHERE line_type = 'purchase'), 0) AS units,
        coalesce(sum(amount) FILTER (WHERE line_type = 'purchase'), 0) AS gross_revenue,
        coalesce(sum(discount) FILTER (WHERE line_type = 'purchase'), 0) AS discounts,
        coalesce(sum(amount - discount) FILTER (WHERE line_type = 'refund'), 0) AS refunds,
        coalesce(sum(amount) FILTER (WHERE line_type = 'adjustment'), 0) AS adjustments
    FROM {fct_order_line}
    GROUP BY shop_id, date, hour
),
hours AS (
    SELECT
        seen.shop_id,
        seen.date,
        seen.hour,
        events,
        page_views,
        item_views,
        add_to_carts,
        checkouts,
        orders,
        coalesce(units, 0) AS units,
        CASE WHEN :has_price THEN CAST(coalesce(gross_revenue, 0) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(coalesce(discounts, 0) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(coalesce(refunds, 0) AS DECIMAL(18, 4)) END AS refunds,
        CASE WHEN :has_price THEN CAST(coalesce(adjustments, 0) AS DECIMAL(18, 4)) END AS adjustments,
        CASE WHEN :has_tax THEN tax END AS tax,
        CASE WHEN :has_shipping THEN shipping END AS shipping
    FROM seen
    LEFT JOIN sold ON sold.shop_id = seen.shop_id AND sold.date = seen.date AND sold.hour = seen.hour
)
SELECT *, gross_revenue - discounts - refunds + adjustments AS net_revenue
FROM hours
