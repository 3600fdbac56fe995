-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_an_hour (blocking)
SELECT date, count(*), format('rows of hour %s', hour)
FROM {mart_hourly_sales} GROUP BY shop_id, date, hour HAVING count(*) > 1;

-- check: hours_add_up_to_the_day (blocking)
SELECT s.date, s.net_revenue, format('%s and %s orders over the hours, %s orders of the day', h.net_revenue, h.orders, s.orders)
FROM {mart_daily_sales} s
LEFT JOIN (SELECT date, sum(net_revenue) AS net_revenue, sum(orders) AS orders FROM {mart_hourly_sales} GROUP BY date) h USING (date)
WHERE s.net_revenue IS DISTINCT FROM h.net_revenue OR s.orders IS DISTINCT FROM h.orders;

-- check: events_as_on_the_same_weekday (warning) half to double the median of the four weeks before
WITH staged AS (SELECT shop_id, date, sum(events) AS events FROM {mart_hourly_sales} GROUP BY shop_id, date),
known AS (
    SELECT date, events FROM staged
    UNION ALL
    SELECT date, sum(events) FROM warehouse.mart_hourly_sales
    WHERE shop_id IN (SELECT shop_id FROM staged) AND date >= (SELECT min(date) - 28 FROM staged) AND date NOT IN (SELECT date FROM staged)
    GROUP BY date
),
usual AS (
    SELECT staged.date, staged.events, percentile_cont(0.5) WITHIN GROUP (ORDER BY known.events) AS median
    FROM staged JOIN known ON known.date IN (staged.date - 7, staged.date - 14, staged.date - 21, staged.date - 28)
    GROUP BY staged.date, staged.events HAVING count(*) >= 2
)
SELECT date, events, format('events; the median of the same weekday of the four weeks before is %s', median)
FROM usual WHERE events NOT BETWEEN median / 2 AND median * 2;
