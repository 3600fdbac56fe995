"""The Live page's breakdowns and sparklines as text."""

from analytics import live_parts, live_source
from ecommerce.shops import Shop

SHOP = Shop("demo", "Demo", "Europe/Berlin", "EUR", True)


def test_a_breakdown_is_scaled_to_its_largest_value():
    rows = [
        {"value": "DE", "events": 9, "orders": 2, "gross_revenue": "40.0000"},
        {"value": "AT", "events": 3, "orders": 1, "gross_revenue": "10.0000"},
    ]
    country, channel, _ = live_parts.breakdowns({"breakdown": {"country": rows}}, SHOP)
    assert [row["width"] for row in country["rows"]] == ["100.0%", "25.0%"]
    assert (country["rows"][0]["amount"].text, country["rows"][0]["amount"].exact) == ("€40.00", "40.0000")
    assert channel["rows"] == []


def test_events_are_inert_and_anonymous_in_the_snapshot_that_page_socket_and_api_read():
    bad, good = "Mug\x1b[31m\u202e<b>", "Mug\ufffd[31m\ufffd<b>"
    found = live_source.shown({
        "top_products": [{"item_id": bad, "item_name": bad, "units": 1}], "latest": [{"event_name": "view_item", "transaction_id": "t1", "item_name": bad}],
        "breakdown": {"country": [{"value": bad, "orders": 2}]}, "shop_id": "demo",
    })  # fmt: skip
    assert found["top_products"] == [{"item_id": good, "item_name": good, "units": 1}]
    assert found["latest"] == [{"event_name": "view_item", "item_name": good}]
    assert found["breakdown"]["country"][0]["value"] == good


def test_nothing_sold_is_no_bar():
    rows = [{"value": "DE", "events": 9, "orders": 0, "gross_revenue": "0.0000"}]
    assert live_parts.breakdowns({"breakdown": {"country": rows}}, SHOP)[0]["rows"][0]["width"] == "0%"


def test_a_sparkline_spans_its_box_and_dips_below_zero():
    assert live_parts.path([0, 10, -10]) == "M0.0 16.0L60.0 1.0L120.0 31.0"


def test_a_flat_sparkline_lies_on_the_ground():
    assert live_parts.path([0, 0]) == "M0.0 31.0L120.0 31.0"


def test_a_day_that_was_counted_anew_says_when_in_the_shops_time():
    found = {"date": "2026-11-18", "rebuilt_at": "2026-11-18T13:05:09Z"}
    assert live_parts.rebuilt(found, SHOP) == "14:05:09"
    assert live_parts.rebuilt(found | {"date": "2026-11-19"}, SHOP) == ""
    assert live_parts.rebuilt(found | {"rebuilt_at": None}, SHOP) == ""
