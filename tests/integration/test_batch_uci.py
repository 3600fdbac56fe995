"""The UCI set, whole range in one job: every day equals a recount made without Spark."""

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import batch_runs
import pytest

pytestmark = pytest.mark.servers
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
    codes = batch_runs.rows("SELECT count(*) n, count(DISTINCT upper(product_id)) u FROM warehouse.dim_product WHERE shop_id = 'uci'")[0]
    assert codes["n"] == codes["u"]


def test_a_day_alone_gives_the_same_rows(loaded):
    before = batch_runs.newest("uci", "2011-08-12")
    dimensions = "SELECT * FROM warehouse.dim_customer WHERE shop_id = 'uci' ORDER BY customer_id"
    customers = batch_runs.rows(dimensions)
    assert batch_runs.run("uci-day", "uci", "uci_online_retail", "2011-08-12")[0] == 0
    after = batch_runs.newest("uci", "2011-08-12")
    assert (after["checksum"], after["previous_run_id"], after["changed"]) == (before["checksum"], "uci-all", {})
    assert batch_runs.rows(dimensions) == customers
