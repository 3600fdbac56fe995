-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_product (blocking)
SELECT as_of_date, count(*), product_id FROM {mart_product_abc} GROUP BY as_of_date, shop_id, product_id HAVING count(*) > 1;

-- check: ranks_are_without_gaps (blocking)
SELECT max(as_of_date), max(rank), format('%s products', count(*)) FROM {mart_product_abc} HAVING max(rank) <> count(*);
