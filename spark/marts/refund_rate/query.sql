-- One row per shop-day with an order or a refund: what became of the day's orders, whenever they were refunded.
WITH orders AS (
    SELECT shop_id, transaction_id, min(date) AS date, sum(gross_revenue - discounts) AS revenue
    FROM {fct_order}
    GROUP BY shop_id, transaction_id
),
refunds AS (
    SELECT line.shop_id, line.date, line.transaction_id, orders.date AS order_date, line.amount - line.discount AS amount
    FROM {fct_order_line} line
    LEFT JOIN orders ON orders.shop_id = line.shop_id AND orders.transaction_id = line.transaction_id
    WHERE line_type = 'refund'
),
parts AS (
    SELECT shop_id, date, 1 AS orders, CAST(NULL AS STRING) AS refunded, revenue, 0 AS refunds, 0 AS refunds_of_day, 0 AS unlinked FROM orders
    UNION ALL
    SELECT shop_id, order_date, 0, transaction_id, 0, amount, 0, 0 FROM refunds WHERE order_date IS NOT NULL
    UNION ALL
    SELECT shop_id, date, 0, NULL, 0, 0, amount, CASE WHEN order_date IS NULL THEN amount ELSE 0 END FROM refunds
)
SELECT
    shop_id,
    date,
    sum(orders) AS orders,
    count(DISTINCT refunded) AS refunded_orders,
    CAST(sum(revenue) AS DECIMAL(18, 4)) AS revenue,
    CAST(sum(refunds) AS DECIMAL(18, 4)) AS refunds,
    CAST(sum(refunds_of_day) AS DECIMAL(18, 4)) AS refunds_of_day,
    CAST(sum(unlinked) AS DECIMAL(18, 4)) AS unlinked
FROM parts
GROUP BY shop_id, date
