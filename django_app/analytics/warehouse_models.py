"""The model's further tables as Django reads them: unmanaged, see models.py; their meaning is in the tables' comments."""

from django.db import models


def money(**options: object) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=4, **options)


def warehouse(table: str) -> str:
    """The table's name, quoted with its schema, for Meta.db_table."""
    return f'"warehouse"."{table}"'


class Visitor(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "client_id")
    shop_id = models.TextField()
    date = models.DateField()
    client_id = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    events = models.BigIntegerField()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("fct_visitor")


class CartLine(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "session_id", "product_id")
    shop_id = models.TextField()
    date = models.DateField()
    session_id = models.TextField()
    product_id = models.TextField()
    client_id = models.TextField(null=True)
    customer_id = models.TextField(null=True)
    country = models.TextField(null=True)
    channel = models.TextField(null=True)
    device = models.TextField(null=True)
    first_added_at = models.DateTimeField()
    last_added_at = models.DateTimeField()
    quantity_added = models.BigIntegerField()
    quantity_removed = models.BigIntegerField()
    price = money()
    amount = money()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("fct_cart_line")


class Refund(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "event_id", "item_index")
    shop_id = models.TextField()
    date = models.DateField()
    event_id = models.TextField()
    item_index = models.IntegerField()
    transaction_id = models.TextField(null=True)
    refunded_at = models.DateTimeField()
    customer_id = models.TextField(null=True)
    product_id = models.TextField(null=True)
    quantity = models.BigIntegerField()
    amount = money()
    order_date = models.DateField(null=True)
    ordered_at = models.DateTimeField(null=True)
    days_after_order = models.IntegerField(null=True)
    country = models.TextField(null=True)
    channel = models.TextField(null=True)
    device = models.TextField(null=True)
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("fct_refund")


class DailyBreakdown(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "dimension", "date", "value")
    shop_id = models.TextField()
    date = models.DateField()
    dimension = models.TextField()
    value = models.TextField()
    page_views = models.BigIntegerField(null=True)
    item_views = models.BigIntegerField()
    add_to_carts = models.BigIntegerField()
    checkouts = models.BigIntegerField(null=True)
    orders = models.BigIntegerField()
    units = models.BigIntegerField()
    gross_revenue = money()
    discounts = money()
    refunds = money()
    adjustments = money()
    net_revenue = money()
    sessions = models.BigIntegerField(null=True)
    sessions_with_cart = models.BigIntegerField(null=True)
    sessions_with_order = models.BigIntegerField(null=True)
    reached_view = models.BigIntegerField(null=True)
    reached_cart = models.BigIntegerField(null=True)
    reached_checkout = models.BigIntegerField(null=True)
    reached_order = models.BigIntegerField(null=True)
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_daily_breakdown")


class HourlySales(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "hour")
    shop_id = models.TextField()
    date = models.DateField()
    hour = models.IntegerField()
    events = models.BigIntegerField()
    page_views = models.BigIntegerField()
    item_views = models.BigIntegerField()
    add_to_carts = models.BigIntegerField()
    checkouts = models.BigIntegerField()
    orders = models.BigIntegerField()
    units = models.BigIntegerField()
    gross_revenue = money()
    discounts = money()
    refunds = money()
    adjustments = money()
    net_revenue = money()
    tax = money(null=True)
    shipping = money(null=True)
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_hourly_sales")


class DailyDistinct(models.Model):
    """A row's key has previous_date, too, which may be NULL: filter, never get by pk."""

    pk = models.CompositePrimaryKey("shop_id", "measure", "date")
    shop_id = models.TextField()
    date = models.DateField()
    measure = models.TextField()
    previous_date = models.DateField(null=True)
    number = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = warehouse("mart_daily_distinct")


class CustomerRfm(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "customer_id")
    shop_id = models.TextField()
    customer_id = models.TextField()
    as_of_date = models.DateField()
    recency_days = models.IntegerField()
    frequency = models.BigIntegerField()
    monetary = money()
    recency_band = models.IntegerField()
    frequency_band = models.IntegerField()
    monetary_band = models.IntegerField()
    segment = models.TextField()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_customer_rfm")


class CohortRetention(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "cohort_month", "age_months")
    shop_id = models.TextField()
    cohort_month = models.DateField()
    age_months = models.IntegerField()
    cohort_customers = models.BigIntegerField()
    customers = models.BigIntegerField()
    orders = models.BigIntegerField()
    revenue = money()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_cohort_retention")


class ProductPair(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "product_a", "product_b")
    shop_id = models.TextField()
    product_a = models.TextField()
    product_b = models.TextField()
    from_date = models.DateField()
    as_of_date = models.DateField()
    baskets = models.BigIntegerField()
    baskets_a = models.BigIntegerField()
    baskets_b = models.BigIntegerField()
    baskets_all = models.BigIntegerField()
    support = models.FloatField()
    confidence_a = models.FloatField()
    confidence_b = models.FloatField()
    lift = models.FloatField()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_product_pair")


class ProductAbc(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "product_id")
    shop_id = models.TextField()
    product_id = models.TextField()
    from_date = models.DateField()
    as_of_date = models.DateField()
    orders = models.BigIntegerField()
    units = models.BigIntegerField()
    revenue = money()
    rank = models.IntegerField()
    share = models.FloatField()
    cumulative_share = models.FloatField()
    abc_class = models.TextField()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_product_abc")


class RefundRate(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date")
    shop_id = models.TextField()
    date = models.DateField()
    orders = models.BigIntegerField()
    refunded_orders = models.BigIntegerField()
    revenue = money()
    refunds = money()
    refunds_of_day = money()
    unlinked = money()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_refund_rate")


class CartAbandonment(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "dimension", "date", "value")
    shop_id = models.TextField()
    date = models.DateField()
    dimension = models.TextField()
    value = models.TextField()
    carts = models.BigIntegerField()
    ordered_in_visit = models.BigIntegerField()
    ordered_later = models.BigIntegerField()
    abandoned = models.BigIntegerField()
    cart_value = money()
    abandoned_value = money()
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_cart_abandonment")
