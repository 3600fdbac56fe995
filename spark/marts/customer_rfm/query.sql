-- One row per known customer with an order in the 730 days up to the shop's last day with an order.
WITH latest AS (
    SELECT shop_id, max(date) AS as_of_date FROM {fct_order} GROUP BY shop_id
),
customers AS (
    SELECT /*+ BROADCAST(latest) */
        orders.shop_id,
        customer_id,
        as_of_date,
        datediff(as_of_date, max(date)) AS recency_days,
        count(*) AS frequency,
        CAST(sum(gross_revenue - discounts) AS DECIMAL(18, 4)) AS monetary
    FROM {fct_order} orders
    JOIN latest ON latest.shop_id = orders.shop_id
    WHERE customer_id IS NOT NULL AND date > date_sub(as_of_date, 730)
    GROUP BY orders.shop_id, customer_id, as_of_date
),
bands AS (
    SELECT
        *,
        CASE WHEN recency_days <= 14 THEN 5 WHEN recency_days <= 40 THEN 4 WHEN recency_days <= 90 THEN 3 WHEN recency_days <= 180 THEN 2 ELSE 1 END
            AS recency_band,
        CASE WHEN frequency >= 8 THEN 5 WHEN frequency >= 5 THEN 4 WHEN frequency >= 3 THEN 3 WHEN frequency = 2 THEN 2 ELSE 1 END AS frequency_band,
        CASE WHEN monetary IS NOT NULL THEN ntile(5) OVER (PARTITION BY shop_id, monetary IS NULL ORDER BY monetary, customer_id) END AS monetary_band
    FROM customers
)
SELECT
    *,
    CASE
        WHEN recency_band >= 4 AND frequency_band >= 4 THEN 'Champions'
        WHEN recency_band >= 3 AND frequency_band >= 3 THEN 'Loyal'
        WHEN recency_band = 5 AND frequency_band = 1 THEN 'New'
        WHEN recency_band >= 4 THEN 'Promising'
        WHEN recency_band = 3 THEN 'Cooling'
        WHEN frequency_band >= 4 THEN 'Must win back'
        WHEN recency_band = 1 AND frequency_band = 1 THEN 'Lapsed'
        ELSE 'At risk'
    END AS segment
FROM bands
