-- A shop's year in the warehouse, made up: orders first, every mart from them, so that all pages add up.
-- Parameters: shop, today (its current day), days (how many, up to yesterday), daily (orders on a day, about).
SELECT setseed(0.42);

CREATE TEMP TABLE product ON COMMIT DROP AS
SELECT row_number() OVER () AS n, 'HP-' || (1000 + row_number() OVER ()) AS product_id, name || variant AS product_name, category,
       round((price * (0.8 + 0.4 * random()))::numeric, 2) AS price, power(random(), 2.2) + 0.02 AS weight
FROM (VALUES ('Oak step stool', 'Furniture', 62), ('Linen throw', 'Textiles', 48), ('Enamel kettle 2 l', 'Kitchen', 43), ('Wool blanket', 'Textiles', 79),
             ('Cast-iron pan 26 cm', 'Kitchen', 38), ('Brass wall hook, set of 3', 'Storage', 22), ('Rechargeable lantern', 'Lighting', 35),
             ('Stoneware mug, set of 4', 'Kitchen', 32), ('Seagrass basket, large', 'Storage', 30), ('Beeswax candle, pair', 'Lighting', 13),
             ('Ash coat rack', 'Furniture', 114), ('Waxed canvas apron', 'Kitchen', 29), ('Garden trug', 'Outdoor', 26), ('Fire pit bowl', 'Outdoor', 149),
             ('Gift box, small', 'Gifts', 15), ('Letterpress cards', 'Gifts', 12)) AS base (name, category, price),
     unnest(ARRAY['', ', oat', ', slate', ', moss', ', rust', ', ivory']) AS variant;
CREATE TEMP TABLE picked ON COMMIT DROP AS
SELECT n, product_id, product_name, category, price, sum(weight) OVER (ORDER BY n) / sum(weight) OVER () AS upper FROM product;
CREATE INDEX ON picked (upper);

CREATE TEMP TABLE o ON COMMIT DROP AS
SELECT %(today)s::date - back AS date, 'T' || back || '-' || n AS transaction_id, random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5,
       random() AS r6, 1 + floor(random() * random() * 3.4)::int AS lines
FROM generate_series(1, %(days)s) AS back,
     generate_series(1, (%(daily)s * (1 + 0.25 * sin(back / 9.0)) * CASE extract(isodow FROM %(today)s::date - back) WHEN 6 THEN 1.3 WHEN 7 THEN 1.25 ELSE 1 END)::int) AS n;
ALTER TABLE o ADD at timestamptz, ADD customer_id text, ADD channel text, ADD country text, ADD device text, ADD sessions int, ADD views int, ADD carts int, ADD checkouts int;
UPDATE o SET
    at = (date + make_interval(hours => floor(24 * power(r1, 0.62))::int, mins => floor(r2 * 60)::int)) AT TIME ZONE %(zone)s,
    customer_id = CASE WHEN r3 < 0.8 THEN 'c' || floor(power(r4, 1.7) * (600 + 9 * (%(days)s - (%(today)s::date - date))))::int END,
    channel = CASE WHEN r5 < 0.34 THEN 'Organic search' WHEN r5 < 0.56 THEN 'Direct' WHEN r5 < 0.75 THEN 'Email' WHEN r5 < 0.91 THEN 'Paid search' ELSE 'Social' END,
    device = CASE WHEN r6 < 0.47 THEN 'mobile' WHEN r6 < 0.94 THEN 'desktop' ELSE 'tablet' END,
    country = (ARRAY['GB', 'GB', 'GB', 'GB', 'GB', 'GB', 'IE', 'DE', 'FR', 'NL', 'SE', 'DK'])[1 + floor(r2 * 12)::int],
    sessions = 18 + floor(r4 * 24)::int + CASE WHEN r6 < 0.47 THEN 14 ELSE 0 END;
UPDATE o SET views = round(sessions * (0.58 + 0.06 * r1)), carts = round(sessions * (0.10 + 0.04 * r3)) + 1, checkouts = 2 + floor(r2 * 1.4);
UPDATE o SET checkouts = least(checkouts, carts);

INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, rows_in, rows_good, rows_quarantined, rows_excluded)
VALUES ('year-' || %(shop)s, %(shop)s, 'simulated', %(today)s::date - %(days)s, %(today)s::date - 1, 'published', 0, 0, 0, 0);
INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures)
SELECT 'year-' || %(shop)s, %(shop)s, %(today)s::date - back, 'simulated', '', '{}' FROM generate_series(1, %(days)s) AS back;

CREATE TEMP TABLE drawn ON COMMIT DROP AS SELECT o.*, item, random() AS pick, 1 + floor(random() * random() * 3)::int AS quantity, random() AS off
FROM o, generate_series(0, o.lines - 1) AS item;
CREATE TEMP TABLE l ON COMMIT DROP AS
SELECT d.*, p.product_id, p.category, p.price, p.price * d.quantity AS amount,
       CASE WHEN d.off < 0.3 THEN round(p.price * d.quantity * 0.15, 2) ELSE 0 END AS discount
FROM drawn AS d, LATERAL (SELECT * FROM picked WHERE upper >= d.pick ORDER BY upper LIMIT 1) AS p;
CREATE TEMP TABLE back ON COMMIT DROP AS
SELECT l.*, date + 2 + floor(r2 * 12)::int AS refund_date FROM l WHERE off > 0.955 AND date + 2 + floor(r2 * 12)::int < %(today)s::date;

INSERT INTO warehouse.fct_order_line (shop_id, date, event_id, item_index, line_type, transaction_id, event_at, customer_id, session_id, product_id, quantity, price, discount, amount, run_id, first_of_product, first_of_category)
SELECT %(shop)s, date, transaction_id, item, 'purchase', transaction_id, at, customer_id, 's' || transaction_id, product_id, quantity, price, discount, amount, 'year', true, true FROM l
UNION ALL
SELECT %(shop)s, refund_date, 'r' || transaction_id, item, 'refund', transaction_id, refund_date + interval '15 hours', customer_id, NULL, product_id, quantity, price, discount, amount, 'year', true, true FROM back;
INSERT INTO warehouse.fct_order (shop_id, date, transaction_id, event_id, ordered_at, customer_id, session_id, client_id, country, channel, device, lines, units, gross_revenue, discounts, tax, shipping, run_id)
SELECT %(shop)s, date, transaction_id, transaction_id, at, customer_id, 's' || transaction_id, 'v' || coalesce(customer_id, transaction_id), country, channel, device, count(*), sum(quantity), sum(amount), sum(discount), round(sum(amount - discount) / 6, 2), 3.5, 'year'
FROM l GROUP BY date, transaction_id, at, customer_id, country, channel, device;

-- One row per line's part of each measure; every mart below is a sum of it.
CREATE TEMP TABLE part ON COMMIT DROP AS
SELECT date, extract(hour FROM at AT TIME ZONE %(zone)s)::int AS hour, transaction_id, product_id, category, channel, country, device, quantity AS units, amount AS gross, discount, 0::numeric AS refund FROM l
UNION ALL SELECT refund_date, 15, NULL, product_id, category, channel, country, device, 0, 0, 0, amount - discount FROM back;
CREATE TEMP TABLE way ON COMMIT DROP AS SELECT date, sum(sessions) AS sessions, sum(views) AS views, sum(carts) AS carts, sum(checkouts) AS checkouts, count(*) AS orders FROM o GROUP BY date;

INSERT INTO warehouse.mart_daily_sales
SELECT %(shop)s, p.date, count(DISTINCT transaction_id), sum(units), 0, max(way.sessions) * 8 / 10, max(way.sessions), sum(gross), sum(discount), sum(refund),
       CASE WHEN extract(day FROM p.date) = 3 THEN -64.8 ELSE 0 END, sum(gross - discount - refund) + CASE WHEN extract(day FROM p.date) = 3 THEN -64.8 ELSE 0 END,
       round(sum(gross - discount) / 6, 2), 3.5 * count(DISTINCT transaction_id), sum(gross - discount) / nullif(count(DISTINCT transaction_id), 0), 'year'
FROM part AS p JOIN way USING (date) GROUP BY p.date;
INSERT INTO warehouse.mart_daily_funnel (shop_id, date, sessions, sessions_with_view, sessions_with_cart, sessions_with_checkout, sessions_with_order, page_views, item_views, add_to_carts, checkouts, reached_view, reached_cart, reached_checkout, reached_order, run_id)
SELECT %(shop)s, date, sessions, views, carts, checkouts, orders, sessions * 3, views * 2, carts * 2, checkouts, views, carts, checkouts, orders, 'year' FROM way;
INSERT INTO warehouse.mart_hourly_sales (shop_id, date, hour, events, page_views, item_views, add_to_carts, checkouts, orders, units, gross_revenue, discounts, refunds, adjustments, net_revenue, run_id)
SELECT %(shop)s, date, hour, count(*), 0, 0, 0, 0, count(DISTINCT transaction_id), sum(units), sum(gross), sum(discount), sum(refund), 0, sum(gross - discount - refund), 'year' FROM part GROUP BY date, hour;
INSERT INTO warehouse.mart_daily_product (shop_id, date, product_id, item_views, add_to_carts, orders, units, gross_revenue, discounts, refunds, net_revenue, run_id)
SELECT %(shop)s, date, product_id, 40, 6, count(DISTINCT transaction_id), sum(units), sum(gross), sum(discount), sum(refund), sum(gross - discount - refund), 'year' FROM part GROUP BY date, product_id;
INSERT INTO warehouse.mart_daily_breakdown (shop_id, date, dimension, value, item_views, add_to_carts, orders, units, gross_revenue, discounts, refunds, adjustments, net_revenue, sessions, sessions_with_cart, sessions_with_order, reached_view, reached_cart, reached_checkout, reached_order, run_id)
SELECT %(shop)s, p.date, p.dimension, p.value, 0, 0, p.orders, p.units, p.gross, p.discount, p.refund, 0, p.gross - p.discount - p.refund, s.sessions, s.carts, s.orders, s.views, s.carts, s.checkouts, s.orders, 'year'
FROM (SELECT date, dimension, value, count(DISTINCT transaction_id) AS orders, sum(units) AS units, sum(gross) AS gross, sum(discount) AS discount, sum(refund) AS refund
      FROM part, LATERAL (VALUES ('channel', channel), ('country', country), ('device', device), ('category', category)) AS split (dimension, value) GROUP BY 1, 2, 3) AS p
LEFT JOIN (SELECT date, dimension, value, sum(sessions) AS sessions, sum(views) AS views, sum(carts) AS carts, sum(checkouts) AS checkouts, count(*) AS orders
      FROM o, LATERAL (VALUES ('channel', channel), ('country', country), ('device', device)) AS split (dimension, value) GROUP BY 1, 2, 3) AS s USING (date, dimension, value);
INSERT INTO warehouse.mart_cart_abandonment
SELECT %(shop)s, date, dimension, value, sum(carts), count(*), sum((carts - 1) / 5), sum(carts - 1 - (carts - 1) / 5), sum(carts * 61.5), sum((carts - 1 - (carts - 1) / 5) * 58.2), 'year'
FROM o, LATERAL (VALUES ('all', 'all'), ('channel', channel), ('country', country), ('device', device)) AS split (dimension, value) GROUP BY date, dimension, value;

INSERT INTO warehouse.fct_session (shop_id, date, session_id, client_id, started_at, ended_at, country, channel, device, page_views, item_views, add_to_carts, checkouts, orders, step, exit_page, run_id)
SELECT %(shop)s, date, 's' || transaction_id || '-' || n, 'x' || transaction_id || n, at, at, country, channel, device, 3, 2, 1, 0, 0, CASE WHEN n < carts THEN 2 WHEN n < views THEN 1 ELSE 0 END,
       (ARRAY['/products/wool-blanket', '/checkout/delivery', '/products/ash-coat-rack', '/collections/gifts', '/cart', '/search'])[1 + floor(power(random(), 1.6) * 6)::int], 'year'
FROM o, generate_series(1, sessions - 1) AS n WHERE date >= %(today)s::date - 60;
INSERT INTO warehouse.fct_cart_line (shop_id, date, session_id, product_id, client_id, country, channel, device, first_added_at, last_added_at, quantity_added, quantity_removed, price, amount, run_id)
SELECT %(shop)s, date, 's' || transaction_id || '-' || n, product_id, 'x' || transaction_id || n, country, channel, device, at, at, 1, 0, price, price, 'year'
FROM l, generate_series(1, greatest(1, carts - 1)) AS n WHERE date >= %(today)s::date - 60 AND item = 0;

INSERT INTO warehouse.dim_product (shop_id, product_id, valid_from, valid_to, is_current, product_name, category, brand, price)
SELECT %(shop)s, product_id, %(today)s::date - %(days)s, CASE WHEN n %% 3 = 0 THEN %(today)s::date - 60 END, n %% 3 <> 0, product_name, category, 'Harbour', round(price * CASE WHEN n %% 3 = 0 THEN 0.9 ELSE 1 END, 2) FROM product
UNION ALL SELECT %(shop)s, product_id, %(today)s::date - 60, NULL, true, product_name, category, 'Harbour', price FROM product WHERE n %% 3 = 0;
INSERT INTO warehouse.dim_customer (shop_id, customer_id, customer_key, first_order_date, second_order_date, last_order_date, orders, gross_revenue, lifetime_revenue)
SELECT %(shop)s, customer_id, encode(sha256(convert_to(customer_id, 'UTF8')), 'hex'), min(date), (array_agg(date ORDER BY ordered_at))[2], max(date), count(*), sum(gross_revenue), sum(gross_revenue - discounts)
FROM warehouse.fct_order WHERE shop_id = %(shop)s AND customer_id IS NOT NULL GROUP BY customer_id;
INSERT INTO warehouse.mart_customer_rfm
SELECT %(shop)s, customer_id, %(today)s::date - 1, age, orders, spent, recency, frequency, ntile(5) OVER (ORDER BY spent),
       CASE WHEN frequency >= 4 AND recency >= 4 THEN 'Champions' WHEN frequency >= 3 AND recency >= 3 THEN 'Loyal' WHEN frequency = 1 AND recency = 5 THEN 'New'
            WHEN recency >= 4 THEN 'Promising' WHEN recency = 3 THEN 'Cooling' WHEN frequency >= 4 THEN 'Must win back' WHEN frequency = 1 AND recency = 1 THEN 'Lapsed' ELSE 'At risk' END, 'year'
FROM (SELECT *, CASE WHEN age <= 14 THEN 5 WHEN age <= 40 THEN 4 WHEN age <= 90 THEN 3 WHEN age <= 180 THEN 2 ELSE 1 END AS recency,
             CASE WHEN orders = 1 THEN 1 WHEN orders = 2 THEN 2 WHEN orders <= 4 THEN 3 WHEN orders <= 7 THEN 4 ELSE 5 END AS frequency
      FROM (SELECT customer_id, %(today)s::date - 1 - last_order_date AS age, orders, lifetime_revenue AS spent FROM warehouse.dim_customer WHERE shop_id = %(shop)s) AS c) AS banded;
INSERT INTO warehouse.mart_cohort_retention
SELECT %(shop)s, cohort, age, max(size), count(DISTINCT customer_id), count(*), sum(spent), 'year'
FROM (SELECT o.customer_id, date_trunc('month', c.first_order_date)::date AS cohort, o.gross_revenue - o.discounts AS spent,
             (extract(year FROM o.date) * 12 + extract(month FROM o.date) - extract(year FROM c.first_order_date) * 12 - extract(month FROM c.first_order_date))::int AS age
      FROM warehouse.fct_order AS o JOIN warehouse.dim_customer AS c USING (shop_id, customer_id) WHERE shop_id = %(shop)s) AS aged
JOIN (SELECT date_trunc('month', first_order_date)::date AS cohort, count(*) AS size FROM warehouse.dim_customer WHERE shop_id = %(shop)s GROUP BY 1) AS sized USING (cohort)
GROUP BY cohort, age;
INSERT INTO warehouse.mart_product_pair
SELECT %(shop)s, product_a, product_b, %(today)s::date - 365, %(today)s::date - 1, n, b.n_a, c.n_b, total, n / total::float, n / b.n_a::float, n / c.n_b::float, n * total::float / (b.n_a * c.n_b), 'year'
FROM (SELECT a.product_id AS product_a, b.product_id AS product_b, count(DISTINCT a.transaction_id) AS n FROM l AS a JOIN l AS b USING (transaction_id)
      WHERE a.product_id COLLATE "C" < b.product_id COLLATE "C" GROUP BY 1, 2 HAVING count(DISTINCT a.transaction_id) >= 5) AS pair
JOIN (SELECT product_id AS product_a, count(DISTINCT transaction_id) AS n_a FROM l GROUP BY 1) AS b USING (product_a)
JOIN (SELECT product_id AS product_b, count(DISTINCT transaction_id) AS n_b FROM l GROUP BY 1) AS c USING (product_b), (SELECT count(*) AS total FROM o) AS every;
INSERT INTO warehouse.mart_product_abc
SELECT %(shop)s, product_id, %(today)s::date - 365, %(today)s::date - 1, orders, units, revenue, row_number() OVER best, revenue / sum(revenue) OVER (),
       sum(revenue) OVER best / sum(revenue) OVER (), CASE WHEN (sum(revenue) OVER best - revenue) / sum(revenue) OVER () < 0.8 THEN 'A' WHEN (sum(revenue) OVER best - revenue) / sum(revenue) OVER () < 0.95 THEN 'B' ELSE 'C' END, 'year'
FROM (SELECT product_id, sum(orders) AS orders, sum(units) AS units, sum(net_revenue) AS revenue FROM warehouse.mart_daily_product WHERE shop_id = %(shop)s GROUP BY 1 HAVING sum(net_revenue) > 0) AS p
WINDOW best AS (ORDER BY revenue DESC, product_id ROWS UNBOUNDED PRECEDING);
