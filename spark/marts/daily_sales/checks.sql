-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_day (blocking)
SELECT date, count(*), 'rows of the day'
FROM {mart_daily_sales} GROUP BY shop_id, date HAVING count(*) > 1;

-- check: orders_are_the_orders (blocking)
SELECT date, m.orders, format('%s orders in fct_order', count(o.transaction_id))
FROM {mart_daily_sales} m LEFT JOIN {fct_order} o USING (shop_id, date)
GROUP BY date, m.orders HAVING m.orders <> count(o.transaction_id);

-- check: revenue_is_the_lines (blocking)
SELECT date, m.net_revenue, format('%s over fct_order_line', l.net_revenue)
FROM {mart_daily_sales} m
LEFT JOIN (
    SELECT date, sum(CASE line_type WHEN 'purchase' THEN amount - discount WHEN 'refund' THEN discount - amount ELSE amount END) AS net_revenue
    FROM {fct_order_line} GROUP BY date
) l USING (date)
WHERE m.net_revenue <> coalesce(l.net_revenue, 0);

-- check: no_negative_measure (blocking)
SELECT date, least(orders, units, gross_revenue, discounts, refunds), 'a measure below zero'
FROM {mart_daily_sales} WHERE least(orders, units, gross_revenue, discounts, refunds) < 0;

-- check: refunds_within_revenue (warning)
SELECT date, refunds, format('refunds exceed the revenue %s of the day', gross_revenue - discounts)
FROM {mart_daily_sales} WHERE refunds > gross_revenue - discounts;
