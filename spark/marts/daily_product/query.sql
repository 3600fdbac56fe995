-- One row per shop-day and product. The product's attributes are the latest of the day.
WITH items AS (
    SELECT
        *,
        struct(event_time, event_id, item_index) AS place,
        price * quantity AS amount
    FROM {events}
    WHERE item_id IS NOT NULL AND event_name IN ('view_item', 'add_to_cart', 'purchase', 'refund')
),
products AS (
    SELECT
        shop_id,
        date,
        item_id AS product_id,
        max_by(item_name, CASE WHEN item_name IS NOT NULL THEN place END) AS product_name,
        max_by(item_category, CASE WHEN item_category IS NOT NULL THEN place END) AS category,
        max_by(item_brand, CASE WHEN item_brand IS NOT NULL THEN place END) AS brand,
        max_by(price, CASE WHEN event_name <> 'refund' THEN place END) AS price,
        count_if(event_name = 'view_item') AS item_views,
        count_if(event_name = 'add_to_cart') AS add_to_carts,
        count(DISTINCT CASE WHEN event_name = 'purchase' THEN transaction_id END) AS orders,
        coalesce(sum(CASE WHEN event_name = 'purchase' THEN quantity END), 0) AS units,
        CASE WHEN :has_price THEN CAST(sum(CASE WHEN event_name = 'purchase' THEN amount ELSE 0 END) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(sum(CASE WHEN event_name = 'purchase' THEN discount ELSE 0 END) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(sum(CASE WHEN event_name = 'refund' THEN amount - discount ELSE 0 END) AS DECIMAL(18, 4)) END AS refunds
    FROM items
    GROUP BY shop_id, date, item_id
)
SELECT *, gross_revenue - discounts - refunds AS net_revenue
FROM products
