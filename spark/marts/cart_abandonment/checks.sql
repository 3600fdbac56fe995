-- PostgreSQL over the staged rows of the run; a check is a SELECT of the rows that break it: (date, value, detail).

-- check: one_row_a_value (blocking)
SELECT date, count(*), format('rows of %s %s', dimension, value)
FROM {mart_cart_abandonment} GROUP BY shop_id, date, dimension, value HAVING count(*) > 1;

-- check: carts_are_bought_or_not (blocking)
SELECT date, carts, format('%s %s', dimension, value)
FROM {mart_cart_abandonment} WHERE carts <> ordered_in_visit + ordered_later + abandoned;
