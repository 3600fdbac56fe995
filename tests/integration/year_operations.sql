-- What an operator finds of the last days: runs, checks, a few rows held back, live figures against the batch's.
-- Parameters: shop, today.
UPDATE warehouse.etl_run SET started_at = %(today)s::date - 10, finished_at = %(today)s::date - 10 + interval '31 minutes' WHERE run_id = 'year-' || %(shop)s;
UPDATE warehouse.etl_run_day SET published_at = date + 1 + interval '1 hour 1 minute' WHERE run_id = 'year-' || %(shop)s;
INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, started_at, finished_at, rows_in, rows_good, rows_quarantined, rows_excluded, message)
SELECT 'night-' || back, %(shop)s, 'simulated', %(today)s::date - back, %(today)s::date - back, 'published', began, began + make_interval(secs => 62 + 7 * (back %% 4)),
       9400 - 60 * (back %% 5), 9400 - 60 * (back %% 5) - CASE back WHEN 2 THEN 3 ELSE 0 END, CASE back WHEN 2 THEN 3 ELSE 0 END, 0, ''
FROM generate_series(1, 9) AS back, LATERAL (SELECT (%(today)s::date - back + 1)::timestamptz + interval '1 hour 10 seconds' AS began) AS start;
INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, started_at, finished_at, rows_in, rows_good, rows_quarantined, rows_excluded, message)
VALUES ('again-1', %(shop)s, 'simulated', %(today)s::date - 3, %(today)s::date - 3, 'blocked', %(today)s::date + interval '8 hours 12 minutes', %(today)s::date + interval '8 hours 13 minutes 4 seconds',
        9340, 9337, 3, 0, 'stopped by order_total_matches_lines: 3 orders differ from the sum of their lines');
INSERT INTO warehouse.quality_result (run_id, shop_id, date, check_name, severity, passed, value, detail)
SELECT 'night-' || back, %(shop)s, %(today)s::date - back, name, severity, NOT (back = 2 AND name = 'rows_within_40_percent'), CASE WHEN back = 2 AND name = 'rows_within_40_percent' THEN 1 ELSE 0 END,
       CASE WHEN back = 2 AND name = 'rows_within_40_percent' THEN '46%% more rows than the median of four weeks' ELSE '' END
FROM generate_series(1, 9) AS back, (VALUES ('order_id_unique', 'blocking'), ('net_equals_parts', 'blocking'), ('refund_not_above_order', 'warning'), ('rows_within_40_percent', 'warning'), ('funnel_monotone', 'blocking')) AS of (name, severity);
INSERT INTO warehouse.quality_result (run_id, shop_id, date, check_name, severity, passed, value, detail)
VALUES ('again-1', %(shop)s, %(today)s::date - 3, 'order_total_matches_lines', 'blocking', false, 3, 'orders T3-4, T3-9, T3-17');
INSERT INTO warehouse.quarantine (run_id, shop_id, source, date, file, line, reason, raw)
SELECT 'night-2', %(shop)s, 'simulated', %(today)s::date - 2, 'orders.jsonl', 17 * n, CASE n WHEN 3 THEN 'bad_time: event_time' ELSE 'bad_money: price' END,
       '{"event_name": "purchase", "transaction_id": "T2-' || n || '", "event_time": "' || CASE n WHEN 3 THEN '31/02/2026' ELSE '2026-11-16T09:12:31Z' END || '", "items": [{"item_id": "HP-1019", "price": "' || CASE n WHEN 3 THEN '48.50' ELSE '48,50 £' END || '", "quantity": 2}]}'
FROM generate_series(1, 3) AS n;
INSERT INTO warehouse.reconciliation (shop_id, date, measure, live, batch, agrees, explanation, run_id)
SELECT %(shop)s, s.date, m.measure, m.batch - CASE WHEN s.date = %(today)s::date - 2 AND m.measure = 'orders' THEN 1 ELSE 0 END, m.batch,
       NOT (s.date = %(today)s::date - 2 AND m.measure = 'orders'), CASE WHEN s.date = %(today)s::date - 2 AND m.measure = 'orders' THEN '1 late event' ELSE '' END, 'night-1'
FROM warehouse.mart_daily_sales AS s, LATERAL (VALUES ('orders', s.orders::numeric), ('net_revenue', s.net_revenue), ('sessions', s.sessions::numeric)) AS m (measure, batch)
WHERE s.shop_id = %(shop)s AND s.date BETWEEN %(today)s::date - 3 AND %(today)s::date - 1;
