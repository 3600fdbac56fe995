-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).
-- Of days that are published for the first time a check "by the key of" a table is run only where its primary key refuses a row.

-- check: lines_are_unique (blocking) by the key of fct_order_line
SELECT date, count(*), format('line %s of event %s', item_index, event_id)
FROM {fct_order_line} GROUP BY shop_id, date, event_id, item_index HAVING count(*) > 1;

-- check: orders_are_unique (blocking) by the key of fct_order
SELECT date, count(*), format('order %s', transaction_id)
FROM {fct_order} GROUP BY shop_id, date, transaction_id HAVING count(*) > 1;

-- check: sessions_are_unique (blocking) by the key of fct_session
SELECT date, count(*), format('session %s', session_id)
FROM {fct_session} GROUP BY shop_id, date, session_id HAVING count(*) > 1;

-- check: orders_have_their_lines (blocking)
SELECT date, count(*), format('orders whose lines are not as many as they say; %s of them are not in fct_order', count(*) FILTER (WHERE orders = 0))
FROM (
    SELECT date, count(said) AS orders
    FROM (
        SELECT date, transaction_id, lines AS said FROM {fct_order}
        UNION ALL SELECT date, transaction_id, NULL FROM {fct_order_line} WHERE line_type = 'purchase'
    ) orders_and_lines
    GROUP BY date, transaction_id
    HAVING count(said) = 0 OR min(said) <> max(said) OR max(said) IS DISTINCT FROM nullif(count(*) - count(said), 0)
) broken GROUP BY date;

-- check: orders_of_known_sessions (blocking)
SELECT date, count(*), 'orders whose session is not in fct_session'
FROM {fct_order} o
WHERE session_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM {fct_session} s WHERE s.shop_id = o.shop_id AND s.date = o.date AND s.session_id = o.session_id)
GROUP BY date;

-- check: products_are_in_the_daily_mart (blocking)
SELECT date, count(*), format('lines of products without a row in mart_daily_product, such as %s', min(product_id))
FROM {fct_order_line} l
WHERE line_type <> 'adjustment' AND NOT EXISTS (
    SELECT FROM {mart_daily_product} p WHERE p.shop_id = l.shop_id AND p.date = l.date AND p.product_id = l.product_id)
GROUP BY date;

-- check: amounts_in_range (blocking)
SELECT date, count(*), 'lines with a negative price, quantity below 1 or a discount above their amount'
FROM {fct_order_line}
WHERE line_type <> 'adjustment' AND (price < 0 OR quantity < 1 OR discount < 0 OR discount > amount) GROUP BY date;

-- check: times_on_their_day (blocking)
SELECT date, count(*), 'lines of a time that is more than a zone away from their day'
FROM {fct_order_line}
WHERE event_at < date - interval '15 hours' OR event_at >= date + interval '39 hours' GROUP BY date;

-- check: refunds_within_their_order (warning) where the order is of the run or published
-- Lateral: each refund whose order is not of the run is looked up by index; a join would read every published order.
SELECT r.date, count(*), format('refunds exceed their order, such as %s', min(r.transaction_id))
FROM (
    SELECT shop_id, transaction_id, max(date) AS date, sum(amount - discount) AS amount
    FROM {fct_order_line} WHERE line_type = 'refund' AND transaction_id IS NOT NULL GROUP BY shop_id, transaction_id
) r
LEFT JOIN {fct_order} o ON o.shop_id = r.shop_id AND o.transaction_id = r.transaction_id
CROSS JOIN LATERAL (
    SELECT max(gross_revenue - discounts) AS paid FROM warehouse.fct_order p
    WHERE o.transaction_id IS NULL AND p.shop_id = r.shop_id AND p.transaction_id = r.transaction_id
        AND p.date NOT IN (SELECT date FROM {fct_order})
) earlier
WHERE r.amount > coalesce(o.gross_revenue - o.discounts, earlier.paid) GROUP BY r.date;

-- check: no_future_lines (warning)
SELECT date, count(*), 'lines of a time that is still to come' FROM {fct_order_line} WHERE event_at > now() + interval '1 day' GROUP BY date;
