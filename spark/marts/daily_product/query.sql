-- One row per shop-day and product. The product's attributes are the latest of the day; of two at one instant those of the later line.
WITH items AS (
    -- Instant and line in one number: the largest of numbers is found while rows are hashed, that of structs needs them sorted.
    SELECT *, unix_micros(event_time) * 1000 + least(item_index, 999) AS place
    FROM {events}
    WHERE item_id IS NOT NULL AND event_name IN ('view_item', 'add_to_cart', 'purchase', 'refund')
),
variants AS (
    SELECT
        shop_id,
        date,
        item_id AS product_id,
        item_name,
        item_category,
        item_brand,
        price,
        max(place) AS last,
        max(CASE WHEN event_name <> 'refund' THEN place END) AS last_priced,
        count_if(event_name = 'view_item') AS item_views,
        count_if(event_name = 'add_to_cart') AS add_to_carts,
        0 AS orders,
        0 AS units,
        0 AS gross_revenue,
        0 AS discounts,
        0 AS refunds
    FROM items
    GROUP BY shop_id, date, item_id, item_name, item_category, item_brand, price
),
sold AS (
    SELECT
        shop_id,
        date,
        product_id,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        0,
        0,
        count_if(line_type = 'purchase' AND first_of_product),
        coalesce(sum(quantity) FILTER (WHERE line_type = 'purchase'), 0),
        coalesce(sum(amount) FILTER (WHERE line_type = 'purchase'), 0),
        coalesce(sum(discount) FILTER (WHERE line_type = 'purchase'), 0),
        coalesce(sum(amount - discount) FILTER (WHERE line_type = 'refund'), 0)
    FROM {fct_order_line}
    WHERE line_type IN ('purchase', 'refund') AND product_id IS NOT NULL
    GROUP BY shop_id, date, product_id
),
parts AS (
    SELECT * FROM variants
    UNION ALL
    SELECT * FROM sold
),
products AS (
    SELECT
        shop_id,
        date,
        product_id,
        max(CASE WHEN item_name IS NOT NULL THEN struct(last, item_name) END).item_name AS product_name,
        max(CASE WHEN item_category IS NOT NULL THEN struct(last, item_category) END).item_category AS category,
        max(CASE WHEN item_brand IS NOT NULL THEN struct(last, item_brand) END).item_brand AS brand,
        max(CASE WHEN last_priced IS NOT NULL THEN struct(last_priced, price) END).price AS price,
        sum(item_views) AS item_views,
        sum(add_to_carts) AS add_to_carts,
        sum(orders) AS orders,
        sum(units) AS units,
        CASE WHEN :has_price THEN CAST(sum(gross_revenue) AS DECIMAL(18, 4)) END AS gross_revenue,
        CASE WHEN :has_price THEN CAST(sum(discounts) AS DECIMAL(18, 4)) END AS discounts,
        CASE WHEN :has_price THEN CAST(sum(refunds) AS DECIMAL(18, 4)) END AS refunds
    FROM parts
    GROUP BY shop_id, date, product_id
)
SELECT *, gross_revenue - discounts - refunds AS net_revenue
FROM products
