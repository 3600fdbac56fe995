-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_day (blocking)
SELECT date, count(*), 'rows of the day'
FROM {mart_daily_funnel} GROUP BY shop_id, date HAVING count(*) > 1;

-- check: same_days_and_sessions_as_sales (blocking)
SELECT date, f.sessions, format('%s sessions in mart_daily_sales', s.sessions)
FROM {mart_daily_funnel} f FULL JOIN {mart_daily_sales} s USING (shop_id, date)
WHERE f.date IS NULL OR s.date IS NULL OR f.sessions IS DISTINCT FROM s.sessions;

-- check: steps_within_sessions (blocking)
SELECT date, sessions, 'a step has more sessions than the day'
FROM {mart_daily_funnel}
WHERE greatest(sessions_with_view, sessions_with_cart, sessions_with_checkout, sessions_with_order) > sessions;

-- check: orders_after_carts (warning)
SELECT date, sessions_with_order, format('%s sessions have a cart: purchases without a cart event', sessions_with_cart)
FROM {mart_daily_funnel} WHERE sessions_with_order > sessions_with_cart;
