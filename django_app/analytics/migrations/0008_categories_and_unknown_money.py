"""The category of an order line, as it was when it was sold; and money that may be unknown.

Marts over the whole history tell goods from fees by the category. A source without prices has orders, but no revenue: NULL, not 0.
"""

from django.db import migrations

SCHEMA = """
ALTER TABLE warehouse.fct_order_line ADD category text;
UPDATE warehouse.fct_order_line l SET category = m.category FROM warehouse.mart_daily_product m
WHERE m.category IS NOT NULL AND (m.shop_id, m.date, m.product_id) = (l.shop_id, l.date, l.product_id);
COMMENT ON COLUMN warehouse.fct_order_line.category IS
    'Category of the product on the line. ''Fees'' marks postage, charges and other lines that are no goods.';
"""

MONEY = {
    "fct_order_line": ("price", "discount", "amount"),
    "fct_order": ("gross_revenue", "discounts"),
    "fct_cart_line": ("price", "amount"),
    "dim_customer": ("gross_revenue", "lifetime_revenue"),
    "mart_daily_sales": ("gross_revenue", "discounts", "refunds", "adjustments", "net_revenue"),
    "mart_hourly_sales": ("gross_revenue", "discounts", "refunds", "adjustments", "net_revenue"),
    "mart_daily_breakdown": ("gross_revenue", "discounts", "refunds", "adjustments", "net_revenue"),
    "mart_daily_product": ("gross_revenue", "discounts", "refunds", "net_revenue"),
    "mart_customer_rfm": ("monetary", "monetary_band"),
    "mart_cohort_retention": ("revenue",),
    "mart_refund_rate": ("revenue", "refunds", "refunds_of_day", "unlinked"),
    "mart_cart_abandonment": ("cart_value", "abandoned_value"),
}
MAY_BE_UNKNOWN = "".join(
    f"ALTER TABLE warehouse.{table} {', '.join(f'ALTER {column} DROP NOT NULL' for column in columns)};\n"
    for table, columns in MONEY.items()
)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0007_index_of_exits")]
    operations = [migrations.RunSQL(SCHEMA), migrations.RunSQL(MAY_BE_UNKNOWN)]
