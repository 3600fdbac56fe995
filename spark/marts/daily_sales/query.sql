-- One row per shop-day with an accepted event.
WITH lines AS (
    SELECT
        shop_id,
        date,
        sum(CASE WHEN line_type = 'refund' THEN amount - discount ELSE 0 END) AS refunds,
        sum(CASE WHEN line_type = 'adjustment' THEN amount ELSE 0 END) AS adjustments
    FROM {fct_order_line}
    GROUP BY shop_id, date
),
orders AS (
    SELECT
        shop_id,
        date,
        count(*) AS orders,
        count(DISTINCT customer_id) AS customers,
        sum(units) AS units,
        sum(gross_revenue) AS gross_revenue,
        sum(discounts) AS discounts,
        sum(tax) AS tax,
        sum(shipping) AS shipping
    FROM {fct_order}
    GROUP BY shop_id, date
),
days AS (
    SELECT shop_id, date FROM {events} GROUP BY shop_id, date
),
visitors AS (
    SELECT shop_id, date, count(*) AS visitors FROM {fct_visitor} GROUP BY shop_id, date
),
sessions AS (
    SELECT shop_id, date, count(*) AS sessions FROM {fct_session} GROUP BY shop_id, date
),
sales AS (
    SELECT
        days.shop_id,
        days.date,
        coalesce(orders.orders, 0) AS orders,
        coalesce(orders.units, 0) AS units,
        CASE WHEN :has_user_id THEN coalesce(orders.customers, 0) END AS customers,
        CASE WHEN :has_client_id THEN coalesce(visitors.visitors, 0) END AS visitors,
        CASE WHEN :has_session_id THEN coalesce(sessions.sessions, 0) END AS sessions,
        CASE WHEN :has_price THEN CAST(coalesce(orders.gross_revenue, 0) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(coalesce(orders.discounts, 0) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(coalesce(lines.refunds, 0) AS DECIMAL(18, 4)) END AS refunds,
        CASE WHEN :has_price THEN CAST(coalesce(lines.adjustments, 0) AS DECIMAL(18, 4)) END AS adjustments,
        CASE WHEN :has_tax THEN coalesce(orders.tax, 0) END AS tax,
        CASE WHEN :has_shipping THEN coalesce(orders.shipping, 0) END AS shipping
    FROM days
    LEFT JOIN orders ON orders.shop_id = days.shop_id AND orders.date = days.date
    LEFT JOIN lines ON lines.shop_id = days.shop_id AND lines.date = days.date
    LEFT JOIN visitors ON visitors.shop_id = days.shop_id AND visitors.date = days.date
    LEFT JOIN sessions ON sessions.shop_id = days.shop_id AND sessions.date = days.date
)
SELECT
    *,
    gross_revenue - discounts - refunds + adjustments AS net_revenue,
    CAST((gross_revenue - discounts) / nullif(orders, 0) AS DECIMAL(18, 4)) AS average_order_value
FROM sales
