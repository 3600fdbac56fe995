"""Accepted events become order lines, orders, carts and visitors, exactly; sessions have a file of their own."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import facts
import judging
import pyarrow as pa

from ecommerce.events import FLAT_SCHEMA

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCHEMA = pa.schema([pa.field(field.name, field.type) for field in FLAT_SCHEMA] + [pa.field("date", pa.date32())])


def row(name: str, event_id: str, minute: int = 0, item: str | None = None, price: str | None = "2.5", **more) -> dict:
    fixed = {"shop_id": "demo", "date": DAY, "event_name": name, "event_id": event_id, "event_time": NOON + timedelta(minutes=minute)}
    of_item = {"item_id": item, "price": price and Decimal(price), "quantity": 1, "discount": price and Decimal(0)} if item else {}
    return {**fixed, "item_index": 0, "client_id": "c", "session_id": "s", **of_item, **more}


def made(name: str, *rows: dict) -> list[dict]:
    found = facts.of_a_day((name,), judging.in_order_of_time(pa.Table.from_pylist(list(rows), SCHEMA)))
    return found[name].to_pylist() if name in found else []


def test_a_line_is_worth_its_price_times_its_quantity_to_the_last_digit():
    given = [
        row("purchase", "a", item="p", price="99999999.9999", quantity=99999),
        row("refund", "b", item="p"),
        row("view_item", "c", item="p"),
    ]
    found = made("fct_order_line", *given)
    assert [(one["line_type"], one["amount"]) for one in found] == [
        ("purchase", Decimal("9999899999990.0001")),
        ("refund", Decimal("2.5000")),
    ]


def test_lines_that_are_the_first_of_an_order_are_marked_for_product_and_category():
    of_line = {"transaction_id": "T", "item_category": "lamps"}
    given = [
        row("purchase", "a", item="p", **of_line),
        row("purchase", "a", item="q", item_index=1, **of_line),
        row("purchase", "a", item="p", item_index=2, **of_line),
        row("purchase", "a", item="p", item_index=3, **{**of_line, "transaction_id": "a second order of the event"}),
        row("purchase", "b", item="p", transaction_id="U"),
        row("purchase", "b", item="q", item_index=1, transaction_id="U", item_category="(not set)"),
    ]
    found = made("fct_order_line", *given)
    assert [one["first_of_product"] for one in found] == [True, True, False, True, True, True]
    assert [one["first_of_category"] for one in found] == [True, False, False, True, True, False]


def test_an_order_has_the_attributes_of_its_first_line_and_the_sums_of_all():
    given = [
        row(
            "purchase", "a", item="q", item_index=1, transaction_id="T", country="late", tax=Decimal(9), quantity=2, discount=Decimal("0.5")
        ),
        row("purchase", "a", item="p", transaction_id="T", user_id="ann", tax=Decimal(1), shipping=None, quantity=3),
        row("purchase", "b", item="p", transaction_id="U"),
    ]
    first, second = made("fct_order", *given)
    wanted = ("transaction_id", "customer_id", "country", "tax", "shipping", "lines", "units", "gross_revenue", "discounts")
    assert tuple(first[name] for name in wanted) == ("T", "ann", None, Decimal(1), None, 2, 5, Decimal("12.5"), Decimal("0.5"))
    assert (second["transaction_id"], second["lines"], second["ordered_at"]) == ("U", 1, NOON)


def test_without_prices_money_is_unknown_and_not_nought():
    (order,) = made("fct_order", row("purchase", "a", item="p", transaction_id="T", price=None))
    (line,) = made("fct_order_line", row("purchase", "a", item="p", transaction_id="T", price=None))
    (cart,) = made("fct_cart_line", row("add_to_cart", "a", item="p", price=None))
    assert (order["gross_revenue"], order["discounts"], order["units"], line["amount"], cart["amount"]) == (None, None, 1, None, None)


def test_a_cart_has_what_was_added_and_not_taken_out_at_the_price_of_the_last_addition():
    given = [
        row("add_to_cart", "a", 1, "p", "5", quantity=3, country="France"),
        row("add_to_cart", "b", 2, "p", "4", quantity=1, country="Austria"),
        row("remove_from_cart", "c", 3, "p", "9", quantity=2),
        row("remove_from_cart", "d", 3, "never added"),
        row("add_to_cart", "e", 4, "q", quantity=1),
        row("remove_from_cart", "f", 5, "q", quantity=2),
    ]
    found = {one["product_id"]: one for one in made("fct_cart_line", *given)}
    assert {product: (one["quantity_added"], one["quantity_removed"], one["price"], one["amount"]) for product, one in found.items()} == {
        "p": (4, 2, Decimal(4), Decimal(8)),
        "q": (1, 2, Decimal("2.5"), Decimal(0)),
    }
    cart = found["p"]
    assert (cart["first_added_at"], cart["last_added_at"], cart["country"]) == (
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=2),
        "France",
    )


def test_a_visitor_is_seen_from_the_first_event_to_the_last():
    given = [
        row("page_view", "a", 5),
        row("page_view", "b", 1),
        row("purchase", "c", 3, "p", item_index=1),
        row("page_view", "d", client_id=None),
    ]
    (found,) = made("fct_visitor", *given)
    assert (found["first_seen_at"], found["last_seen_at"], found["events"]) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=5), 2)


def test_no_rows_are_no_facts():
    assert facts.of_a_day(facts.TABLES, pa.Table.from_pylist([], SCHEMA)) == {}


def test_orders_are_those_of_a_count_line_by_line():
    chance = random.Random(3)
    given, expected = [], defaultdict(lambda: [0, Decimal(0)])
    for number in range(300):
        event = chance.randrange(60)
        price, quantity = Decimal(chance.randrange(1, 10**9)) / 10_000, chance.randrange(1, 9)
        one = row("purchase", f"e{event}", event % 7, "p", item_index=number, transaction_id=f"T{event}", quantity=quantity)
        given.append({**one, "price": price})
        expected[f"T{event}"][0] += 1
        expected[f"T{event}"][1] += price * quantity
    chance.shuffle(given)
    assert {one["transaction_id"]: [one["lines"], one["gross_revenue"]] for one in made("fct_order", *given)} == expected
