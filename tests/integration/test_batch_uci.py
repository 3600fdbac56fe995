"""The UCI set, whole range in one job: every day equals a recount made without Spark."""

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import batch_runs
import pytest
from batch_runs import one

pytestmark = pytest.mark.servers
HISTORY = (
    *("dim_product", "mart_daily_distinct", "mart_customer_rfm", "mart_cohort_retention", "mart_product_pair", "mart_product_abc"),
    "mart_refund_rate",
)
WHOLE = (
    "SELECT count(*), md5(string_agg((to_jsonb(t) - 'run_id')::text, '' ORDER BY (to_jsonb(t) - 'run_id')::text)) FROM warehouse.{table} t"
)
FIRST, LAST = "2010-12-01", "2011-08-31"


@pytest.fixture(scope="module")
def loaded(postgres, spark, datasets) -> Path:
    folder = datasets / "uci_online_retail"
    assert batch_runs.land("uci", "uci_online_retail", folder, FIRST, LAST) == 219
    code, last = batch_runs.run("uci-all", "uci", "uci_online_retail", FIRST, LAST)
    assert (code, last["status"], last["days"]) == (0, "published", 219)
    assert (last["rows_in"], last["rows_quarantined"], last["rows_excluded"]) == (320705, 0, 1797)
    return folder


def recount(path: Path) -> dict[str, object]:
    """A day's measures by the definitions of the data's README, in plain Python."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    orders, customers, units = set(), set(), 0
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            amount, invoice = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]), row["InvoiceNo"]
            if invoice.startswith("C"):
                sums["refunds"] -= amount
            elif invoice.startswith("A") and Decimal(row["UnitPrice"]) < 0:
                sums["adjustments"] += amount
            elif int(row["Quantity"]) > 0 and Decimal(row["UnitPrice"]) > 0:
                sums["gross_revenue"] += amount
                orders.add(invoice)
                customers.update(filter(None, [row["CustomerID"].removesuffix(".0")]))
                units += int(row["Quantity"])
    money = {name: sums[name] for name in ("gross_revenue", "refunds", "adjustments")}
    net = money["gross_revenue"] - money["refunds"] + money["adjustments"]
    return {**money, "net_revenue": net, "orders": len(orders), "units": units, "customers": len(customers)}


def test_every_day_is_right_on_its_own(loaded):
    names = ("gross_revenue", "refunds", "adjustments", "net_revenue", "orders", "units", "customers")
    published = {
        row["date"].isoformat(): {name: row[name] for name in names}
        for row in batch_runs.rows("SELECT * FROM warehouse.mart_daily_sales WHERE shop_id = 'uci'")
    }
    expected = {path.stem: recount(path) for path in sorted(loaded.glob("*.csv"))}
    assert published == expected


def test_the_sums_of_the_data_s_definitions(loaded):
    total = batch_runs.rows(
        """SELECT sum(gross_revenue) gross, sum(refunds) refunds, sum(adjustments) adjustments, sum(net_revenue) net,
                  sum(orders) orders, sum(units) units, count(visitors) + count(sessions) + count(tax) absent
           FROM warehouse.mart_daily_sales WHERE shop_id = 'uci'"""
    )[0]
    money = [Decimal(text) for text in ("6304826.0620", "520770.5600", "-22124.1200", "5761931.3820")]
    assert [total[name] for name in ("gross", "refunds", "adjustments", "net")] == money
    assert (total["orders"], total["units"], total["absent"]) == (12495, 3325400, 0)


def test_rows_that_are_no_sale_are_excluded_by_name(loaded):
    found = batch_runs.findings("uci-all")
    counts = {name: sum(row["value"] for row in rows) for name, rows in found.items() if name.startswith("excluded:")}
    assert counts == {"excluded:stock_write_off": 925, "excluded:zero_price": 872}
    assert sum(row["value"] for row in found["exact_copies"]) > 0


def test_customers_and_products_over_all_days(loaded):
    customer = batch_runs.rows("SELECT * FROM warehouse.dim_customer WHERE shop_id = 'uci' AND customer_id = '17850'")[0]
    recounted = batch_runs.rows(
        """SELECT count(*) orders, min(date) first, max(date) last FROM warehouse.fct_order WHERE shop_id = 'uci' AND customer_id = '17850'"""
    )[0]
    assert [customer[name] for name in ("orders", "first_order_date", "last_order_date")] == list(recounted.values())


def test_product_codes_are_as_written(loaded):
    codes = "SELECT count(DISTINCT product_id) > count(DISTINCT upper(product_id)) FROM warehouse.mart_daily_product WHERE shop_id = 'uci'"
    assert one(codes) == (True,)
    best = """SELECT product_id, sum(gross_revenue), sum(orders) FROM warehouse.mart_daily_product WHERE shop_id = 'uci'
              GROUP BY 1 ORDER BY 2 DESC LIMIT 1"""
    assert one(best) == ("22423", Decimal("131777.52"), 1409)


def test_countries(loaded):
    assert one(
        """SELECT sum(gross_revenue) FROM warehouse.mart_daily_breakdown
           WHERE shop_id = 'uci' AND dimension = 'country' AND value = 'United Kingdom'"""
    ) == (Decimal("5271202.302"),)
    dimensions = batch_runs.rows("SELECT DISTINCT dimension FROM warehouse.mart_daily_breakdown WHERE shop_id = 'uci' ORDER BY 1")
    assert [row["dimension"] for row in dimensions] == ["category", "country"]


def test_known_customers(loaded):
    assert one("SELECT count(*), count(*) FILTER (WHERE orders >= 2) FROM warehouse.dim_customer WHERE shop_id = 'uci'") == (3317, 1941)
    top = "SELECT customer_id, orders, gross_revenue FROM warehouse.dim_customer WHERE shop_id = 'uci' ORDER BY gross_revenue DESC LIMIT 1"
    assert one(top) == ("14646", 40, Decimal("176355.94"))
    rfm = "SELECT frequency, monetary, segment FROM warehouse.mart_customer_rfm WHERE shop_id = 'uci' AND customer_id = '14646'"
    assert one(rfm) == (40, Decimal("176355.94"), "Champions")
    assert one("SELECT count(DISTINCT customer_key), count(*) FROM warehouse.dim_customer WHERE shop_id = 'uci'") == (3317, 3317)


def test_cohorts(loaded):
    rows = batch_runs.rows("SELECT * FROM warehouse.mart_cohort_retention WHERE shop_id = 'uci' ORDER BY cohort_month, age_months")
    assert [row["customers"] for row in rows if row["age_months"] == 0] == [885, 417, 380, 452, 300, 284, 242, 188, 169]
    assert [row["customers"] for row in rows[:9]] == [885, 324, 286, 340, 321, 352, 321, 309, 313]


def test_pairs_of_products(loaded):
    best = """SELECT product_a, product_b, baskets, baskets_all, round(lift::numeric, 6) FROM warehouse.mart_product_pair
              WHERE shop_id = 'uci' ORDER BY baskets DESC LIMIT 1"""
    assert one(best) == ("22386", "85099B", 580, 12383, Decimal("6.085384"))


def test_distinct_customers_of_any_range_are_counted_not_summed(loaded):
    for first, last in (("2010-12-01", "2011-08-31"), ("2011-03-07", "2011-03-13"), ("2011-05-01", "2011-05-01")):
        counted = (
            f"SELECT count(DISTINCT customer_id) FROM warehouse.fct_order WHERE shop_id = 'uci' AND date BETWEEN '{first}' AND '{last}'"
        )
        assert one(f"SELECT warehouse.distinct_between('uci', 'customers', '{first}', '{last}')") == one(counted)


def test_products_have_a_history_without_gaps(loaded):
    assert (
        one(
            """SELECT count(*) FILTER (WHERE is_current), count(DISTINCT product_id), count(*) FILTER (WHERE valid_to IS DISTINCT FROM next)
           FROM (SELECT *, lead(valid_from) OVER (PARTITION BY product_id ORDER BY valid_from) AS next
                 FROM warehouse.dim_product WHERE shop_id = 'uci') spans"""
        )[2]
        == 0
    )


def test_a_day_alone_gives_the_same_rows(loaded):
    before = batch_runs.newest("uci", "2011-08-12")
    dimensions = "SELECT * FROM warehouse.dim_customer WHERE shop_id = 'uci' ORDER BY customer_id"
    customers = batch_runs.rows(dimensions)
    whole = {table: one(WHOLE.format(table=table)) for table in HISTORY}
    assert batch_runs.run("uci-day", "uci", "uci_online_retail", "2011-08-12")[0] == 0
    after = batch_runs.newest("uci", "2011-08-12")
    assert (after["checksum"], after["previous_run_id"], after["changed"]) == (before["checksum"], "uci-all", {})
    assert batch_runs.rows(dimensions) == customers
    assert {table: one(WHOLE.format(table=table)) for table in HISTORY} == whole
