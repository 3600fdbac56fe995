"""Dimensions and distinct counts are functions of the published days: whatever order they came in, exact over any range."""

from datetime import date, timedelta
from itertools import permutations
from random import Random

import checks
import marts
import psycopg
import pytest

from ecommerce import dimensions, warehouse
from ecommerce.shops import shop

pytestmark = pytest.mark.servers
SHOP = "newcomer"
DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(4)]
NAMES = {DAYS[0]: "Lamp", DAYS[1]: None, DAYS[2]: "Lamp", DAYS[3]: "Big lamp"}
PRICES = {DAYS[0]: 10, DAYS[1]: 10, DAYS[2]: 12, DAYS[3]: 12}


@pytest.fixture
def connection(postgres):
    with warehouse.connect() as connection:
        yield connection
        for table in (
            "mart_daily_product",
            "fct_order",
            "fct_order_line",
            "fct_visitor",
            "fct_session",
            "mart_daily_distinct",
            "dim_product",
            "dim_customer",
            "dim_shop",
        ):
            connection.execute(f"DELETE FROM warehouse.{table} WHERE shop_id = %s", (SHOP,))


def visitors(day: date) -> list[str]:
    return [f"v{n}" for n in range(20) if Random(f"{day} {n}").random() < 0.4]


def publish(connection: psycopg.Connection, days: list[date]) -> None:
    """What a run does with ``days``, on rows of the test's own."""
    staging = warehouse.create_staging(connection, f"r{days}", SHOP, ["mart_daily_product", "fct_order_line", "fct_order", "fct_visitor"])
    rows = {name: staging.identifier(name).as_string() for name in staging.schemas}
    for day in days:
        connection.execute(
            f"""INSERT INTO {rows["mart_daily_product"]} (shop_id, date, product_id, product_name, price, item_views, add_to_carts, orders, units,
                    gross_revenue, discounts, refunds, net_revenue, _task) VALUES (%s, %s, 'p', %s, %s, 0, 0, 1, 1, 10, 0, 0, 10, 0)""",
            (SHOP, day, NAMES[day], PRICES[day]),
        )
        connection.execute(
            f"""INSERT INTO {rows["fct_order"]} (shop_id, date, transaction_id, event_id, ordered_at, customer_id, lines, units, gross_revenue,
                    discounts, _task) VALUES (%s, %s, %s, %s, %s, 'ann', 1, 1, 10, 1, 0)""",
            (SHOP, day, f"t{day}", f"e{day}", day),
        )
        connection.execute(
            f"""INSERT INTO {rows["fct_order_line"]} (shop_id, date, event_id, item_index, line_type, transaction_id, event_at, customer_id,
                    product_id, quantity, price, discount, amount, first_of_product, first_of_category, _task)
                VALUES (%s, %s, %s, 0, 'purchase', %s, %s, 'ann', 'p', 1, 10, 1, 10, true, true, 0)""",
            (SHOP, day, f"e{day}", f"t{day}", day),
        )
        for name in visitors(day):
            connection.execute(f"INSERT INTO {rows['fct_visitor']} VALUES (%s, %s, %s, %s, %s, 1, NULL, 0)", (SHOP, day, name, day, day))
    with connection.transaction():
        warehouse.replace_days(connection, staging, days)
        warehouse.refresh_visits(connection, staging, shop(SHOP), days)
        warehouse.refresh_products(connection, staging, shop(SHOP))
    warehouse.drop_staging(connection, SHOP)


def test_a_product_has_a_span_for_each_change_and_days_that_know_nothing_change_nothing(connection):
    publish(connection, DAYS)
    query = "SELECT valid_from, valid_to, is_current, product_name, price::int FROM warehouse.dim_product WHERE shop_id = %s ORDER BY 1"
    assert connection.execute(query, (SHOP,)).fetchall() == [
        (DAYS[0], DAYS[2], False, "Lamp", 10),
        (DAYS[2], DAYS[3], False, "Lamp", 12),
        (DAYS[3], None, True, "Big lamp", 12),
    ]


def test_any_order_of_days_gives_the_same_rows(connection):
    found = set()
    for order in list(permutations(DAYS))[::5]:
        for day in order:
            publish(connection, [day])
        tables = ("dim_product", "dim_customer", "mart_daily_distinct")
        query = "SELECT md5(string_agg(to_jsonb(t)::text, ' ' ORDER BY to_jsonb(t)::text)) FROM warehouse.{} t WHERE shop_id = %s"
        found.add(tuple(connection.execute(query.format(name), (SHOP,)).fetchone() for name in tables))
        for table in (*tables, "mart_daily_product", "fct_order", "fct_order_line", "fct_visitor"):
            connection.execute(f"DELETE FROM warehouse.{table} WHERE shop_id = %s", (SHOP,))
    assert len(found) == 1


def test_distinct_visitors_of_every_range_are_exact(connection):
    publish(connection, DAYS[2:])
    publish(connection, DAYS[:2])
    for first in DAYS:
        for last in (day for day in DAYS if day >= first):
            days = [day for day in DAYS if first <= day <= last]
            counted = connection.execute("SELECT warehouse.distinct_between(%s, 'visitors', %s, %s)", (SHOP, first, last)).fetchone()[0]
            assert counted == len(set().union(*map(visitors, days)))
            assert len(days) == 1 or counted < sum(len(visitors(day)) for day in days), "the days' sum would be wrong"


def test_a_customer_has_a_pseudonymous_key_and_both_first_orders(connection):
    publish(connection, DAYS)
    query = """SELECT customer_key, orders, gross_revenue::int, lifetime_revenue::int, first_order_date, second_order_date, last_order_date
               FROM warehouse.dim_customer WHERE shop_id = %s"""
    key = dimensions.customer_key(SHOP, "ann")
    assert connection.execute(query, (SHOP,)).fetchall() == [(key, 4, 40, 36, DAYS[0], DAYS[1], DAYS[3])]
    assert key != dimensions.customer_key("demo", "ann")


def test_a_line_without_its_order_and_product_is_found_by_name(connection):
    tables = ("fct_order_line", "fct_order", "fct_session", "mart_daily_product")
    staging = warehouse.create_staging(connection, "broken", SHOP, tables)
    line = f"""INSERT INTO {staging.identifier("fct_order_line").as_string()} (shop_id, date, event_id, item_index, line_type, transaction_id,
               event_at, product_id, quantity, price, discount, amount, first_of_product, first_of_category, _task)
               VALUES (%s, %s, 'e', 0, 'purchase', 't', %s, 'p', 1, 2, 3, 2, true, true, 0)"""
    connection.execute(line, (SHOP, DAYS[0], DAYS[0] + timedelta(days=9)))
    broken = checks.blocked(checks.of_tables(connection, marts.fact_checks(), staging))
    warehouse.drop_staging(connection, SHOP)
    names = {"orders_have_their_lines", "products_are_in_the_daily_mart", "amounts_in_range", "times_on_their_day"}
    assert {finding.name for finding in broken} == {f"facts.{name}" for name in names}


def test_the_checks_of_facts_and_marts_are_sound_sql(connection):
    """On no rows at all: each check can be run, and none is broken."""
    found = marts.load_all()
    tables = {f"fct_{name}" for name in ("order_line", "order", "session", "visitor", "cart_line")}
    staging = warehouse.create_staging(connection, "empty", SHOP, sorted(tables | {mart.table for mart in found}))
    every = [*marts.fact_checks(), *(check for mart in found for check in mart.checks)]
    findings = checks.of_tables(connection, every, staging)
    warehouse.drop_staging(connection, SHOP)
    assert [finding.name for finding in findings if not finding.passed] == []
