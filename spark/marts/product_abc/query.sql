-- One row per product sold in the last 365 days, best first; classes by the Pareto rule 80 / 95 %.
WITH latest AS (
    SELECT shop_id, max(date) AS as_of_date FROM {fct_order} GROUP BY shop_id
),
products AS (
    SELECT /*+ BROADCAST(latest) */
        line.shop_id,
        product_id,
        date_sub(as_of_date, 364) AS from_date,
        as_of_date,
        count_if(line_type = 'purchase' AND first_of_product) AS orders,
        sum(CASE WHEN line_type = 'purchase' THEN quantity ELSE 0 END) AS units,
        CAST(sum(CASE line_type WHEN 'purchase' THEN amount - discount ELSE discount - amount END) AS DECIMAL(18, 4)) AS revenue
    FROM {fct_order_line} line
    JOIN latest ON latest.shop_id = line.shop_id
    WHERE line_type IN ('purchase', 'refund') AND date > date_sub(as_of_date, 365) AND product_id IS NOT NULL AND amount IS NOT NULL
    GROUP BY line.shop_id, product_id, as_of_date
),
sold AS (
    SELECT *, greatest(revenue, 0) AS positive FROM products WHERE orders > 0
),
ranked AS (
    SELECT
        *,
        CAST(row_number() OVER best AS INT) AS rank,
        coalesce(CAST(positive AS DOUBLE) / nullif(CAST(sum(positive) OVER (PARTITION BY shop_id) AS DOUBLE), 0), 0) AS share,
        coalesce(CAST(sum(positive) OVER best AS DOUBLE) / nullif(CAST(sum(positive) OVER (PARTITION BY shop_id) AS DOUBLE), 0), 0) AS cumulative_share,
        -- In exact decimals, so that the product on the border is always the same one.
        (sum(positive) OVER best) - positive AS before,
        sum(positive) OVER (PARTITION BY shop_id) AS total
    FROM sold
    WINDOW best AS (PARTITION BY shop_id ORDER BY revenue DESC, product_id ROWS UNBOUNDED PRECEDING)
)
SELECT *, CASE WHEN positive > 0 AND before < 0.8 * total THEN 'A' WHEN positive > 0 AND before < 0.95 * total THEN 'B' ELSE 'C' END AS abc_class
FROM ranked
