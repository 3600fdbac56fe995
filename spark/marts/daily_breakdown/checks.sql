-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_value (blocking)
SELECT date, count(*), format('rows of %s %s', dimension, value)
FROM {mart_daily_breakdown} GROUP BY shop_id, date, dimension, value HAVING count(*) > 1;

-- check: values_add_up_to_the_day (blocking)
SELECT s.date, s.net_revenue, format('%s over the values of %s, %s orders of %s', b.net_revenue, b.dimension, b.orders, s.orders)
FROM {mart_daily_sales} s
JOIN (
    SELECT date, dimension, sum(net_revenue) AS net_revenue, sum(orders) AS orders FROM {mart_daily_breakdown} GROUP BY date, dimension
) b USING (date)
WHERE s.net_revenue <> b.net_revenue OR b.dimension <> 'category' AND s.orders <> b.orders;
