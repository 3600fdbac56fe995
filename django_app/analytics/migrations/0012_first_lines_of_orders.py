"""Which line is an order's first of its product, and of its category: to count those lines is to count orders, without a distinct count."""

from django.db import migrations

SCHEMA = """
ALTER TABLE warehouse.fct_order_line ADD first_of_product boolean, ADD first_of_category boolean;
UPDATE warehouse.fct_order_line l SET first_of_product = f.of_product, first_of_category = f.of_category
FROM (
    SELECT shop_id, date, event_id, item_index, row_number() OVER products = 1 AS of_product, row_number() OVER categories = 1 AS of_category
    FROM warehouse.fct_order_line
    WINDOW products AS (PARTITION BY shop_id, date, event_id, transaction_id, product_id ORDER BY item_index),
           categories AS (PARTITION BY shop_id, date, event_id, transaction_id, coalesce(category, '(not set)') ORDER BY item_index)
) f
WHERE (f.shop_id, f.date, f.event_id, f.item_index) = (l.shop_id, l.date, l.event_id, l.item_index);
ALTER TABLE warehouse.fct_order_line ALTER first_of_product SET NOT NULL, ALTER first_of_category SET NOT NULL;
COMMENT ON COLUMN warehouse.fct_order_line.first_of_product IS
    'Whether no earlier line of the event and order has the product: a count of such lines is one of orders.';
COMMENT ON COLUMN warehouse.fct_order_line.first_of_category IS
    'Whether no earlier line of the event and order has the category: a count of such lines is one of orders.';
"""
BACK = "ALTER TABLE warehouse.fct_order_line DROP first_of_product, DROP first_of_category"


class Migration(migrations.Migration):
    dependencies = [("analytics", "0011_indexes_that_nothing_reads")]
    operations = [migrations.RunSQL(SCHEMA, BACK)]
