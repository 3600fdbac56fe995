"""The warehouse as Django reads it; the dashboard's own tables are in account_models.py.

Warehouse models are unmanaged: migrations/0001_warehouse.sql and 0003_model.sql own their tables, Spark fills them,
and the dashboard's role may only read them. Their meaning is in the tables' comments.
"""

from django.db import models

from analytics.account_models import Action, ApiToken, BrowserSession, LoginLink, ShopDisplay  # noqa: F401
from analytics.warehouse_models import (  # noqa: F401
    CartAbandonment,
    CartLine,
    CohortRetention,
    CustomerRfm,
    DailyBreakdown,
    DailyDistinct,
    HourlySales,
    ProductAbc,
    ProductPair,
    Refund,
    RefundRate,
    Visitor,
    money,
    warehouse,
)


class EtlRun(models.Model):
    run_id = models.TextField(primary_key=True)
    shop_id = models.TextField()
    source = models.TextField()
    from_date = models.DateField()
    to_date = models.DateField()
    status = models.TextField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    rows_in = models.BigIntegerField(null=True)
    rows_good = models.BigIntegerField(null=True)
    rows_quarantined = models.BigIntegerField(null=True)
    rows_excluded = models.BigIntegerField(null=True)
    inputs = models.JSONField()
    code_version = models.TextField()
    message = models.TextField()
    steps = models.JSONField()

    class Meta:
        managed = False
        db_table = warehouse("etl_run")


class EtlRunDay(models.Model):
    pk = models.CompositePrimaryKey("run_id", "shop_id", "date")
    run_id = models.TextField()
    shop_id = models.TextField()
    date = models.DateField()
    source = models.TextField()
    published_at = models.DateTimeField()
    checksum = models.TextField()
    measures = models.JSONField()
    previous_run_id = models.TextField(null=True)
    changed = models.JSONField()
    row_changes = models.JSONField()

    class Meta:
        managed = False
        db_table = warehouse("etl_run_day")


class Shop(models.Model):
    shop_id = models.TextField(primary_key=True)
    name = models.TextField()
    time_zone = models.TextField()
    currency = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("dim_shop")


class Product(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "product_id", "valid_from")
    shop_id = models.TextField()
    product_id = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    is_current = models.BooleanField()
    product_name = models.TextField(null=True)
    category = models.TextField(null=True)
    brand = models.TextField(null=True)
    price = money(null=True)

    class Meta:
        managed = False
        db_table = warehouse("dim_product")


class Customer(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "customer_id")
    shop_id = models.TextField()
    customer_id = models.TextField()
    first_order_date = models.DateField()
    last_order_date = models.DateField()
    orders = models.BigIntegerField()
    lifetime_revenue = money()
    customer_key = models.TextField(null=True)
    second_order_date = models.DateField(null=True)
    gross_revenue = money()

    class Meta:
        managed = False
        db_table = warehouse("dim_customer")


class OrderLine(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "event_id", "item_index")
    shop_id = models.TextField()
    date = models.DateField()
    event_id = models.TextField()
    item_index = models.IntegerField()
    line_type = models.TextField()
    transaction_id = models.TextField(null=True)
    event_at = models.DateTimeField()
    customer_id = models.TextField(null=True)
    session_id = models.TextField(null=True)
    product_id = models.TextField(null=True)
    quantity = models.BigIntegerField()
    price = money()
    discount = money()
    amount = money()
    run_id = models.TextField()
    category = models.TextField(null=True)
    first_of_product = models.BooleanField()
    first_of_category = models.BooleanField()

    class Meta:
        managed = False
        db_table = warehouse("fct_order_line")


class Order(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "transaction_id")
    shop_id = models.TextField()
    date = models.DateField()
    transaction_id = models.TextField()
    event_id = models.TextField()
    ordered_at = models.DateTimeField()
    customer_id = models.TextField(null=True)
    session_id = models.TextField(null=True)
    country = models.TextField(null=True)
    channel = models.TextField(null=True)
    device = models.TextField(null=True)
    coupon = models.TextField(null=True)
    lines = models.IntegerField()
    units = models.BigIntegerField()
    gross_revenue = money()
    discounts = money()
    tax = money(null=True)
    shipping = money(null=True)
    run_id = models.TextField()
    client_id = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = warehouse("fct_order")


class VisitSession(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "session_id")
    shop_id = models.TextField()
    date = models.DateField()
    session_id = models.TextField()
    client_id = models.TextField(null=True)
    customer_id = models.TextField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    country = models.TextField(null=True)
    channel = models.TextField(null=True)
    device = models.TextField(null=True)
    page_views = models.BigIntegerField()
    item_views = models.BigIntegerField()
    add_to_carts = models.BigIntegerField()
    checkouts = models.BigIntegerField()
    orders = models.BigIntegerField()
    run_id = models.TextField()
    step = models.IntegerField(null=True)
    exit_page = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = warehouse("fct_session")


class DailySales(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date")
    shop_id = models.TextField()
    date = models.DateField()
    orders = models.BigIntegerField()
    units = models.BigIntegerField()
    customers = models.BigIntegerField(null=True)
    visitors = models.BigIntegerField(null=True)
    sessions = models.BigIntegerField(null=True)
    gross_revenue = money()
    discounts = money()
    refunds = money()
    adjustments = money()
    net_revenue = money()
    tax = money(null=True)
    shipping = money(null=True)
    average_order_value = money(null=True)
    run_id = models.TextField()

    class Meta:
        managed = False
        db_table = warehouse("mart_daily_sales")


class DailyProduct(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "product_id")
    shop_id = models.TextField()
    date = models.DateField()
    product_id = models.TextField()
    product_name = models.TextField(null=True)
    category = models.TextField(null=True)
    brand = models.TextField(null=True)
    item_views = models.BigIntegerField()
    add_to_carts = models.BigIntegerField()
    orders = models.BigIntegerField()
    units = models.BigIntegerField()
    gross_revenue = money()
    discounts = money()
    refunds = money()
    net_revenue = money()
    run_id = models.TextField()
    price = money(null=True)

    class Meta:
        managed = False
        db_table = warehouse("mart_daily_product")


class DailyFunnel(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date")
    shop_id = models.TextField()
    date = models.DateField()
    sessions = models.BigIntegerField(null=True)
    sessions_with_view = models.BigIntegerField(null=True)
    sessions_with_cart = models.BigIntegerField(null=True)
    sessions_with_checkout = models.BigIntegerField(null=True)
    sessions_with_order = models.BigIntegerField(null=True)
    page_views = models.BigIntegerField()
    item_views = models.BigIntegerField()
    add_to_carts = models.BigIntegerField()
    checkouts = models.BigIntegerField()
    run_id = models.TextField()
    reached_view = models.BigIntegerField(null=True)
    reached_cart = models.BigIntegerField(null=True)
    reached_checkout = models.BigIntegerField(null=True)
    reached_order = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = warehouse("mart_daily_funnel")


class QualityResult(models.Model):
    """The table has no key; this one only gives Django a name for a row. Filter, never get by pk."""

    pk = models.CompositePrimaryKey("run_id", "shop_id", "check_name")
    run_id = models.TextField()
    shop_id = models.TextField()
    date = models.DateField(null=True)
    check_name = models.TextField()
    severity = models.TextField()
    passed = models.BooleanField()
    value = models.DecimalField(max_digits=40, decimal_places=10, null=True)
    detail = models.TextField()
    checked_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = warehouse("quality_result")


class Quarantine(models.Model):
    """The table has no key; this one only gives Django a name for a row. Filter, never get by pk."""

    pk = models.CompositePrimaryKey("run_id", "shop_id", "file", "line")
    run_id = models.TextField()
    shop_id = models.TextField()
    source = models.TextField()
    date = models.DateField(null=True)
    file = models.TextField()
    line = models.BigIntegerField()
    reason = models.TextField()
    raw = models.TextField()
    quarantined_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = warehouse("quarantine")


class Reconciliation(models.Model):
    pk = models.CompositePrimaryKey("shop_id", "date", "measure")
    shop_id = models.TextField()
    date = models.DateField()
    measure = models.TextField()
    live = models.DecimalField(max_digits=28, decimal_places=4, null=True)
    batch = models.DecimalField(max_digits=28, decimal_places=4, null=True)
    agrees = models.BooleanField()
    explanation = models.TextField()
    run_id = models.TextField()
    reconciled_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = warehouse("reconciliation")
