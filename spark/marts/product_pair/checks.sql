-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_pair (blocking)
SELECT as_of_date, count(*), format('%s + %s', product_a, product_b)
FROM {mart_product_pair} GROUP BY as_of_date, shop_id, product_a, product_b HAVING count(*) > 1;

-- check: pairs_within_their_products (blocking)
SELECT as_of_date, baskets, format('%s + %s', product_a, product_b)
FROM {mart_product_pair} WHERE baskets > least(baskets_a, baskets_b) OR product_a COLLATE "C" >= product_b COLLATE "C";
