-- One row per two products that are in one basket in at least 0.1 % of the baskets, and in two at least, over the last 365 days.
-- A basket is an order of a day: an order that two days have is two.
WITH latest AS (
    SELECT shop_id, max(date) AS as_of_date FROM {fct_order} GROUP BY shop_id
),
lines AS (
    SELECT /*+ BROADCAST(latest) */ line.shop_id, line.date, as_of_date, transaction_id, product_id
    FROM {fct_order_line} line
    LEFT JOIN latest ON latest.shop_id = line.shop_id
    WHERE line_type = 'purchase' AND (as_of_date IS NULL OR date > date_sub(as_of_date, 365)) AND coalesce(category, '') <> 'Fees'
        AND first_of_product
),
shops AS (
    SELECT shop_id, count(*) AS baskets_all FROM (SELECT DISTINCT shop_id, date, transaction_id FROM lines) GROUP BY shop_id
),
-- Numbers in the order of the codes: a pair is then one number, and counting millions of pairs stays cheap.
products AS (
    SELECT /*+ COALESCE(1) */
        counted.*,
        baskets_all,
        greatest(2, baskets_all * 0.001) AS enough,
        row_number() OVER (PARTITION BY counted.shop_id ORDER BY product_id) AS number
    FROM (SELECT shop_id, as_of_date, product_id, count(*) AS baskets FROM lines GROUP BY shop_id, as_of_date, product_id) counted
    LEFT JOIN shops ON shops.shop_id = counted.shop_id
),
-- At most 1,000 times as many as a basket has lines.
frequent AS (
    SELECT shop_id, product_id, number FROM products WHERE baskets >= enough
),
baskets AS (
    SELECT /*+ BROADCAST(frequent) */ lines.shop_id, transaction_id, sort_array(collect_list(number)) AS numbers
    FROM lines
    JOIN frequent ON frequent.shop_id = lines.shop_id AND frequent.product_id = lines.product_id
    GROUP BY lines.shop_id, lines.date, transaction_id
),
firsts AS (
    SELECT shop_id, numbers, posexplode(numbers) AS (place, a) FROM baskets
),
pairs AS (
    SELECT /*+ COALESCE(1) */ shop_id, a * 4294967296 + b AS pair, count(*) AS baskets
    FROM (SELECT shop_id, a, explode(slice(numbers, place + 2, size(numbers))) AS b FROM firsts)
    GROUP BY shop_id, a * 4294967296 + b
    HAVING count(*) >= 2
)
SELECT
    pairs.shop_id,
    a.product_id AS product_a,
    b.product_id AS product_b,
    date_sub(a.as_of_date, 364) AS from_date,
    a.as_of_date,
    pairs.baskets,
    a.baskets AS baskets_a,
    b.baskets AS baskets_b,
    a.baskets_all,
    CAST(pairs.baskets AS DOUBLE) / a.baskets_all AS support,
    CAST(pairs.baskets AS DOUBLE) / a.baskets AS confidence_a,
    CAST(pairs.baskets AS DOUBLE) / b.baskets AS confidence_b,
    CAST(pairs.baskets AS DOUBLE) * a.baskets_all / (CAST(a.baskets AS DOUBLE) * b.baskets) AS lift
FROM pairs
LEFT JOIN products b ON b.shop_id = pairs.shop_id AND b.number = pairs.pair % 4294967296
JOIN products a ON a.shop_id = pairs.shop_id AND a.number = pairs.pair DIV 4294967296
WHERE pairs.baskets >= a.enough
