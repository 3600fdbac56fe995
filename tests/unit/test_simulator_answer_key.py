"""The answer key against an independent count of the file beside it, line by line as plain JSON."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from ecommerce import metrics, simulator
from ecommerce.shops import Shop

SHOP = Shop("demo", "Demo shop", "Europe/Berlin", "EUR", True)
COUNTS = {
    "page_views": "page_view",
    "item_views": "view_item",
    "add_to_carts": "add_to_cart",
    "checkouts": "begin_checkout",
    "orders": "purchase",
}


@pytest.fixture(scope="module", params=[date(2026, 10, 25), date(2026, 11, 5)], ids=str)
def written(request, tmp_path_factory):
    path, lines = simulator.write_day(SHOP, request.param, 7, tmp_path_factory.mktemp("day"))
    key = json.loads((path.parent / "expected.json").read_text())
    return key, [json.loads(line) for line in path.read_text().splitlines()], lines


def amount(rows, value):
    return sum((value(item) for row in rows for item in row["items"]), Decimal(0))


def test_measures(written):
    key, rows, _ = written
    names = Counter(row["event_name"] for row in rows)
    by_name = {name: [row for row in rows if row["event_name"] == name] for name in ("purchase", "refund", "adjustment")}
    gross = lambda item: Decimal(item["price"]) * item["quantity"]  # noqa: E731
    off = lambda item: Decimal(item.get("discount", "0"))  # noqa: E731
    wanted = {measure: names[name] for measure, name in COUNTS.items()}
    wanted["units"] = sum(item["quantity"] for row in by_name["purchase"] for item in row["items"])
    wanted["gross_revenue"] = amount(by_name["purchase"], gross)
    wanted["discounts"] = amount(by_name["purchase"], off)
    wanted["refunds"] = amount(by_name["refund"], lambda item: gross(item) - off(item))
    wanted["adjustments"] = amount(by_name["adjustment"], gross)
    wanted["net_revenue"] = wanted["gross_revenue"] - wanted["discounts"] - wanted["refunds"] + wanted["adjustments"]
    wanted |= {name: sum(Decimal(row[name]) for row in by_name["purchase"]) for name in ("tax", "shipping")}
    assert set(key["measures"]) == set(metrics.ADDITIVE) == set(wanted)
    assert {name: Decimal(value) for name, value in key["measures"].items()} == {name: Decimal(value) for name, value in wanted.items()}
    assert all(isinstance(key["measures"][name], str) == (name in metrics.MONEY) for name in metrics.ADDITIVE)


def test_distinct_counts(written):
    key, rows, _ = written
    of = lambda field, *names: len({row[field] for row in rows if field in row and (not names or row["event_name"] in names)})  # noqa: E731
    assert key["distinct"] == {
        "visitors": of("client_id"),
        "sessions": of("session_id"),
        "sessions_with_cart": of("session_id", "add_to_cart"),
        "sessions_with_order": of("session_id", "purchase"),
        "customers": of("user_id", "purchase"),
    }


def test_products(written):
    key, rows, _ = written
    units, gross = Counter(), Counter()
    for item in (item for row in rows if row["event_name"] == "purchase" for item in row["items"]):
        units[item["item_id"]] += item["quantity"]
        gross[item["item_id"]] += Decimal(item["price"]) * item["quantity"]
    assert {i: (p["units"], Decimal(p["gross_revenue"])) for i, p in key["products"].items()} == {i: (units[i], gross[i]) for i in units}


def test_head_and_line_count(written):
    key, rows, lines = written
    assert (key["shop_id"], key["seed"]) == ("demo", 7)
    assert key["events"] == key["lines"] == lines == len(rows)
