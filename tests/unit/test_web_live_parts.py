"""The Live page's breakdowns and sparklines as text."""

from analytics import live_parts
from ecommerce.shops import Shop

SHOP = Shop("demo", "Demo", "Europe/Berlin", "EUR", True)


def test_a_breakdown_is_scaled_to_its_largest_value_and_inert():
    rows = [
        {"value": "DE", "events": 9, "orders": 2, "gross_revenue": "40.0000"},
        {"value": "A\x1bT", "events": 3, "orders": 1, "gross_revenue": "10.0000"},
    ]
    country, channel, _ = live_parts.breakdowns({"breakdown": {"country": rows}}, SHOP)
    assert [row["width"] for row in country["rows"]] == ["100.0%", "25.0%"]
    assert "40.00" in country["rows"][0]["amount"]
    assert "\x1b" not in country["rows"][1]["value"]
    assert channel["rows"] == []


def test_nothing_sold_is_no_bar():
    rows = [{"value": "DE", "events": 9, "orders": 0, "gross_revenue": "0.0000"}]
    assert live_parts.breakdowns({"breakdown": {"country": rows}}, SHOP)[0]["rows"][0]["width"] == "0%"


def test_a_sparkline_spans_its_box_and_dips_below_zero():
    assert live_parts.path([0, 10, -10]) == "M0.0 16.0L60.0 1.0L120.0 31.0"


def test_a_flat_sparkline_lies_on_the_ground():
    assert live_parts.path([0, 0]) == "M0.0 31.0L120.0 31.0"
