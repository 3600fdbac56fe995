"""Every check of the facts and the marts holds on rows that are right, and is broken by a row that is wrong."""

from dataclasses import replace
from datetime import date, timedelta

import checks
import marts
import psycopg
import pytest
from psycopg import sql

from ecommerce import warehouse
from ecommerce.config import settings
from ecommerce.shops import Shop

pytestmark = pytest.mark.servers
SHOP, DAY = "newcomer", date(2026, 2, 2)
NOON = "2026-02-02 12:00+00"
FILLED = {
    "text": "x",
    "integer": 0,
    "bigint": 0,
    "boolean": True,
    "numeric": 0,
    "double precision": 0,
    "date": DAY,
    "timestamp with time zone": NOON,
}
RIGHT = {
    "fct_order_line": [
        {"event_id": "e1", "item_index": 0, "line_type": "purchase", "transaction_id": "t1", "product_id": "p1", "quantity": 2, "price": 5}
        | {"discount": 1, "amount": 10},
        {"event_id": "e1", "item_index": 1, "line_type": "purchase", "transaction_id": "t1", "product_id": "p2", "quantity": 1, "price": 3}
        | {"discount": 0, "amount": 3},
        {"event_id": "e2", "line_type": "refund", "transaction_id": "t1", "product_id": "p1", "quantity": 1, "price": 5}
        | {"discount": 0, "amount": 5},
    ],
    "fct_order": [{"transaction_id": "t1", "session_id": "s1", "lines": 2, "units": 3, "gross_revenue": 13, "discounts": 1}],
    "fct_session": [{"session_id": "s1"}],
    "mart_daily_sales": [
        {"orders": 1, "units": 3, "sessions": 1, "gross_revenue": 13, "discounts": 1, "refunds": 5, "adjustments": 0, "net_revenue": 7}
    ],
    "mart_daily_funnel": [
        {"sessions": 1} | {f"sessions_with_{step}": 1 for step in ("view", "cart", "checkout", "order")},
    ],
    "mart_daily_product": [
        {"product_id": "p1", "product_name": "Mug", "units": 2, "gross_revenue": 10, "discounts": 1, "refunds": 5, "net_revenue": 4},
        {"product_id": "p2", "product_name": "Cup", "units": 1, "gross_revenue": 3, "net_revenue": 3},
    ],
    "mart_hourly_sales": [{"hour": 12, "events": 5, "orders": 1, "net_revenue": 7}],
    "mart_daily_breakdown": [{"dimension": "country", "value": "DE", "orders": 1, "net_revenue": 7}],
    "mart_cart_abandonment": [{"dimension": "all", "value": "all", "carts": 1, "ordered_in_visit": 1}],
    "mart_cohort_retention": [{"cohort_month": DAY.replace(day=1), "age_months": 0, "customers": 1, "cohort_customers": 1}],
    "mart_customer_rfm": [{"customer_id": "c1", "recency_days": 0}],
    "mart_product_abc": [{"product_id": "p1", "rank": 1}, {"product_id": "p2", "rank": 2}],
    "mart_product_pair": [{"product_a": "p1", "product_b": "p2", "baskets": 1, "baskets_a": 1, "baskets_b": 1, "baskets_all": 1}],
    "mart_refund_rate": [{"orders": 1, "revenue": 12, "refunds": 5, "refunds_of_day": 5}],
}
WRONG = {
    "facts.lines_are_unique": "INSERT INTO {fct_order_line} SELECT * FROM {fct_order_line} WHERE item_index = 1",
    "facts.orders_are_unique": "INSERT INTO {fct_order} SELECT * FROM {fct_order}",
    "facts.sessions_are_unique": "INSERT INTO {fct_session} SELECT * FROM {fct_session}",
    "facts.orders_have_their_lines": "DELETE FROM {fct_order_line} WHERE item_index = 1",
    "facts.orders_of_known_sessions": "UPDATE {fct_order} SET session_id = 's9'",
    "facts.products_are_in_the_daily_mart": "UPDATE {fct_order_line} SET product_id = 'p9' WHERE item_index = 1",
    "facts.amounts_in_range": "UPDATE {fct_order_line} SET discount = 4 WHERE item_index = 1",
    "facts.times_on_their_day": "UPDATE {fct_order_line} SET event_at = event_at - interval '2 days' WHERE item_index = 1",
    "facts.refunds_within_their_order": "UPDATE {fct_order_line} SET amount = 13 WHERE line_type = 'refund'",
    "facts.no_future_lines": "UPDATE {fct_order_line} SET event_at = now() + interval '2 days' WHERE item_index = 1",
    "cart_abandonment.one_row_a_value": "INSERT INTO {mart_cart_abandonment} SELECT * FROM {mart_cart_abandonment}",
    "cart_abandonment.carts_are_bought_or_not": "UPDATE {mart_cart_abandonment} SET abandoned = 1",
    "cohort_retention.no_age_has_more_than_its_cohort": "UPDATE {mart_cohort_retention} SET customers = 2",
    "customer_rfm.one_row_a_customer": "INSERT INTO {mart_customer_rfm} SELECT * FROM {mart_customer_rfm}",
    "customer_rfm.recency_not_negative": "UPDATE {mart_customer_rfm} SET recency_days = -1",
    "daily_breakdown.one_row_a_value": "INSERT INTO {mart_daily_breakdown} SELECT * FROM {mart_daily_breakdown}",
    "daily_breakdown.values_add_up_to_the_day": "UPDATE {mart_daily_breakdown} SET orders = 2",
    "daily_funnel.one_row_a_day": "INSERT INTO {mart_daily_funnel} SELECT * FROM {mart_daily_funnel}",
    "daily_funnel.same_days_and_sessions_as_sales": "UPDATE {mart_daily_funnel} SET sessions = 2",
    "daily_funnel.steps_within_sessions": "UPDATE {mart_daily_funnel} SET sessions_with_view = 2",
    "daily_funnel.orders_after_carts": "UPDATE {mart_daily_funnel} SET sessions_with_cart = 0",
    "daily_product.one_row_a_product_and_day": "INSERT INTO {mart_daily_product} SELECT * FROM {mart_daily_product} LIMIT 1",
    "daily_product.products_add_up_to_the_day": "UPDATE {mart_daily_product} SET net_revenue = 5 WHERE product_id = 'p1'",
    "daily_product.products_have_names": "UPDATE {mart_daily_product} SET product_name = NULL WHERE product_id = 'p1'",
    "daily_sales.one_row_a_day": "INSERT INTO {mart_daily_sales} SELECT * FROM {mart_daily_sales}",
    "daily_sales.orders_are_the_orders": "UPDATE {mart_daily_sales} SET orders = 2",
    "daily_sales.revenue_is_the_lines": "UPDATE {mart_daily_sales} SET net_revenue = 8",
    "daily_sales.no_negative_measure": "UPDATE {mart_daily_sales} SET units = -1",
    "daily_sales.refunds_within_revenue": "UPDATE {mart_daily_sales} SET refunds = 13",
    "hourly_sales.one_row_an_hour": "INSERT INTO {mart_hourly_sales} SELECT * FROM {mart_hourly_sales}",
    "hourly_sales.hours_add_up_to_the_day": "UPDATE {mart_hourly_sales} SET orders = 2",
    "hourly_sales.events_as_on_the_same_weekday": "UPDATE {mart_hourly_sales} SET events = 11",
    "product_abc.one_row_a_product": "INSERT INTO {mart_product_abc} SELECT * FROM {mart_product_abc} LIMIT 1",
    "product_abc.ranks_are_without_gaps": "UPDATE {mart_product_abc} SET rank = 3 WHERE rank = 2",
    "product_pair.one_row_a_pair": "INSERT INTO {mart_product_pair} SELECT * FROM {mart_product_pair}",
    "product_pair.pairs_within_their_products": "UPDATE {mart_product_pair} SET baskets = 2",
    "refund_rate.refunds_are_linked_or_not": "UPDATE {mart_refund_rate} SET unlinked = 1",
    "refund_rate.no_more_back_than_paid": "UPDATE {mart_refund_rate} SET refunds = 13, refunds_of_day = 13",
}


def every() -> list[marts.Check]:
    return [*marts.fact_checks(), *(check for mart in marts.load_all() for check in mart.checks)]


@pytest.fixture
def staged(postgres):
    """A connection and the staging tables, with rows that are right, and two earlier weeks' published; nothing is kept."""
    with psycopg.connect(settings().postgres_dsn("loader")) as connection:
        staging = warehouse.create_staging(connection, "checks", SHOP, list(RIGHT))
        for table, found in RIGHT.items():
            for values in found:
                put(connection, staging.identifier(table), table, {**values, "_task": 0})
        for weeks in (1, 2):
            hours = {**RIGHT["mart_hourly_sales"][0], "date": DAY - timedelta(weeks=weeks), "run_id": "checks"}
            put(connection, sql.Identifier("warehouse", "mart_hourly_sales"), "mart_hourly_sales", hours)
        yield connection, staging
        connection.rollback()


def put(connection, target: sql.Identifier, table: str, values: dict) -> None:
    """Insert a row with ``values``, and with something harmless in every other column that must not be empty."""
    query = """SELECT column_name, data_type FROM information_schema.columns
               WHERE table_schema = 'warehouse' AND table_name = %s AND is_nullable = 'NO' AND column_name <> 'run_id'"""
    row = {name: FILLED[kind] for name, kind in connection.execute(query, (table,))} | {"shop_id": SHOP} | values
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(sql.Placeholder() * len(row))
    connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(target, names, places), list(row.values()))


def broken(connection, staging) -> dict[str, checks.Finding]:
    return {one.name: one for one in checks.of_tables(connection, every(), staging) if not one.passed}


def test_right_rows_break_nothing(staged):
    assert broken(*staged) == {}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_breaks_it(staged, name):
    connection, staging = staged
    tables = {table: staging.identifier(table) for table in staging.schemas}
    connection.execute(sql.SQL(WRONG[name]).format(**tables))
    found = broken(connection, staging)[name]
    assert found.severity == {check.name: check.severity for check in every()}[name]
    assert found.value is not None
    assert found.day is not None


def test_an_order_that_another_published_day_has_is_a_warning(staged):
    connection, staging = staged
    assert [one.passed for one in checks.of_other_days(connection, staging, [DAY])] == [True]
    order = {**RIGHT["fct_order"][0], "date": DAY - timedelta(days=1), "run_id": "checks"}
    put(connection, sql.Identifier("warehouse", "fct_order"), "fct_order", order)
    (found,) = checks.of_other_days(connection, staging, [DAY])
    assert (found.name, found.severity, found.passed, found.value, found.day) == ("run.orders_of_one_day", "warning", False, 1, DAY)
    assert "t1" in found.detail


def test_a_published_day_without_an_accepted_row_stops_the_run_unless_it_is_to_be_empty(staged):
    connection, _ = staged
    first, second, new = DAY - timedelta(weeks=2), DAY - timedelta(weeks=1), DAY + timedelta(days=1)
    stats = [{"state": "good", "day": DAY}, {"state": "quarantined", "day": second}]
    shop = Shop(SHOP, "Newcomer", "UTC", "EUR")
    found = checks.of_emptied_days(connection, shop, [first, second, DAY, new], stats)
    assert [(one.name, one.severity, one.passed, one.value, one.day) for one in found] == [
        ("run.no_day_emptied", "blocking", False, 5, day) for day in (first, second)
    ]
    assert "name it in empty_days of [newcomer]" in found[0].detail
    meant = replace(shop, empty_days=(first, second))
    assert [one.passed for one in checks.of_emptied_days(connection, meant, [first, second, DAY, new], stats)] == [True]
    assert [one.passed for one in checks.of_emptied_days(connection, shop, [DAY, new], stats)] == [True]


def test_every_check_has_a_wrong_row():
    assert set(WRONG) == {check.name for check in every()}


@pytest.mark.parametrize("paid", [4, 5], ids=["less than the refund", "control: as much"])
def test_a_refund_is_held_against_its_order_of_an_earlier_day(staged, paid):
    connection, staging = staged
    connection.execute(
        sql.SQL("UPDATE {} SET transaction_id = 't0' WHERE line_type = 'refund'").format(staging.identifier("fct_order_line"))
    )
    for day, revenue in ((DAY - timedelta(days=9), paid), (DAY, 1)):  # of a day of the run what is staged counts
        order = {"transaction_id": "t0", "gross_revenue": revenue, "discounts": 0, "date": day, "run_id": "checks"}
        put(connection, sql.Identifier("warehouse", "fct_order"), "fct_order", order)
    found = broken(connection, staging)
    assert [(one.name, one.value, one.day) for one in found.values()] == [("facts.refunds_within_their_order", 1, DAY)] * (paid < 5)
    assert all(one.detail == "refunds exceed their order, such as t0" for one in found.values())


def test_an_order_without_any_line_is_broken_even_where_it_says_none(staged):
    connection, staging = staged
    put(connection, staging.identifier("fct_order"), "fct_order", {"date": DAY, "transaction_id": "empty", "lines": 0, "_task": 0})
    assert "facts.orders_have_their_lines" in broken(connection, staging)
