-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_customer (blocking)
SELECT as_of_date, count(*), customer_id FROM {mart_customer_rfm} GROUP BY as_of_date, shop_id, customer_id HAVING count(*) > 1;

-- check: recency_not_negative (blocking)
SELECT as_of_date, recency_days, customer_id FROM {mart_customer_rfm} WHERE recency_days < 0;
