-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_product_and_day (blocking)
SELECT date, count(*), product_id
FROM {mart_daily_product} GROUP BY shop_id, date, product_id HAVING count(*) > 1;

-- check: products_add_up_to_the_day (blocking)
SELECT s.date, s.gross_revenue - s.discounts - s.refunds, format('%s over the products', coalesce(p.net_revenue, 0))
FROM {mart_daily_sales} s
LEFT JOIN (SELECT date, sum(net_revenue) AS net_revenue, sum(units) AS units FROM {mart_daily_product} GROUP BY date) p USING (date)
WHERE s.gross_revenue - s.discounts - s.refunds <> coalesce(p.net_revenue, 0) OR s.units <> coalesce(p.units, 0);

-- check: products_have_names (warning) where the source names products at all
SELECT date, count(*), 'products sold without a name'
FROM {mart_daily_product}
WHERE product_name IS NULL AND units > 0 AND EXISTS (SELECT FROM {mart_daily_product} WHERE product_name IS NOT NULL)
GROUP BY date;
