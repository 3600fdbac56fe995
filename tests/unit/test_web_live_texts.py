"""The Live page's first figures as text."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from analytics import formats, live_page, live_rows
from analytics.live_compare import Comparison
from ecommerce import metrics
from ecommerce.shops import Shop

SHOP = Shop("demo", "Demo", "Europe/Berlin", "EUR", True)
AT = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
BEFORE = {"net_revenue": Decimal("5014.92"), "orders": 86, "average_order_value": Decimal("62.54"), "refunds": Decimal("201.16")}
LAST_WEEK = Comparison("Wednesday", "14:32", BEFORE, [Decimal(hour) for hour in range(24)])


def snapshot(**changes):
    """A day with 95 orders; ``changes`` replace parts of it."""
    measures = {name: "0.0000" if name in metrics.MONEY else 0 for name in metrics.ADDITIVE}
    measures |= {"orders": 95, "gross_revenue": "6200.0000", "discounts": "74.1200", "refunds": "232.3800", "net_revenue": "5893.5000"}
    minutes = [
        {"minute": (AT - timedelta(minutes=back)).isoformat(), "events": back, "orders": 0, "net_revenue": "0.0000"}
        for back in range(59, -1, -1)
    ]
    found = {
        "date": date(2026, 11, 18).isoformat(),
        "as_of": AT.isoformat(),
        "measures": measures,
        "estimates": {"visitors": 3100, "sessions": 3545, "sessions_with_cart": 420, "sessions_with_order": 95},
        "now": {"visitors": 74, "sessions": 76, "window_minutes": 5},
        "funnel": {"sessions": 1000, "view_item": 600, "add_to_cart": 150, "begin_checkout": 0, "purchase": 0},
        "minutes": minutes,
        "hours": [{"hour": f"{hour:02d}:00", "events": 1, "orders": 1, "net_revenue": "10.0000"} for hour in range(24)],
        "top_products": [],
        "latest": [],
        "totals": {"received": 10, "counted": 6, "duplicates": 1, "late": 1, "refused": {"bad_money": 2}},
        "last_event_at": AT.isoformat(),
    }
    return found | changes


def tile(name, found=None, compared=LAST_WEEK):
    return next(one for one in live_page.tiles(found or snapshot(), SHOP, compared) if one.metric.name == name)


def test_a_tile_has_its_value_and_its_change_against_last_week():
    net = tile("net_revenue")
    assert (net.value, net.minor, net.note) == ("€5,893", ".50", "vs €5,014.92")
    assert net.change == ("+17.5%", "good", "up")


def test_more_refunds_are_worse():
    assert tile("refunds").change == ("+15.5%", "bad", "up")


def test_distinct_figures_are_marked_as_estimated_and_not_compared():
    for name in ("visitors", "sessions_now", "conversion_rate"):
        assert tile(name).estimated
        assert tile(name).change is None
    assert tile("conversion_rate").value == "2.68%"


def test_without_last_weeks_day_the_comparison_is_left_out():
    assert tile("orders", compared=None).change is None
    assert tile("orders", compared=None).note == "no data a week before"
    assert live_page.answer_change(tile("net_revenue", compared=None), None) is None


def test_a_ratio_without_a_denominator_is_unknown_not_zero():
    empty = snapshot()
    empty["measures"]["orders"] = 0
    unknown = tile("average_order_value", empty)
    assert (unknown.value, unknown.note) == ("–", "no order yet today")


def test_without_redis_every_figure_is_unknown():
    assert {one.value for one in live_page.tiles(None, SHOP, None)} == {"–"}


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("5893.5000", ("17.5% more", "than last Wednesday by 14:32")),
        ("4513.4280", ("10.0% less", "than last Wednesday by 14:32")),
        ("5014.9200", ("the same", "as last Wednesday by 14:32")),
    ],
)
def test_the_answer_line_says_how_today_compares(net, said):
    found = snapshot()
    found["measures"]["net_revenue"] = net
    assert live_page.answer_change(tile("net_revenue", found), LAST_WEEK) == said


def test_the_funnel_is_on_one_scale():
    steps = live_page.funnel(snapshot())
    assert [(step.fill, step.lost, step.of_before) for step in steps] == [
        ("100.00%", "0.00%", ""),
        ("60.00%", "40.00%", "60.0%"),
        ("15.00%", "45.00%", "25.0%"),
        ("0.00%", "15.00%", "0.0%"),
        ("0.00%", "0.00%", "–"),
    ]


def test_an_estimate_above_its_whole_never_passes_one_hundred_per_cent():
    steps = live_page.funnel(snapshot(funnel={"sessions": 100, "view_item": 101, "add_to_cart": 0, "begin_checkout": 0, "purchase": 0}))
    assert (steps[1].fill, steps[1].of_before) == ("100.00%", "100.0%")


def test_the_running_total_stops_at_the_current_hour():
    now = AT.astimezone(SHOP.zone)
    totals = live_page.running_totals(snapshot(), now)
    rows = live_rows.hours(totals, now, LAST_WEEK, SHOP)
    assert [row.cells[0].text for row in rows[13:16]] == ["€140.00", "€150.00", ""]
    assert [row.state for row in rows[13:16]] == ["final", "live", "final"]
    assert rows[15].cells[1].text == "€15.00"


def test_minutes_are_in_the_shops_zone_and_the_last_is_not_over():
    rows = live_rows.minutes(snapshot(), SHOP, "events")
    assert (len(rows), rows[-1].label, rows[-1].state, rows[-2].state) == (60, "14:32", "live", "final")


def test_traffic_is_quiet_after_a_minute_without_an_event():
    assert not live_page.is_quiet(snapshot(), AT + timedelta(seconds=59))
    assert live_page.is_quiet(snapshot(), AT + timedelta(seconds=61))
    assert live_page.is_quiet(snapshot(last_event_at=None))


def test_the_ledger_closes():
    ledger = live_rows.ledger(snapshot())
    assert (ledger["refused"].text, ledger["reasons"], ledger["adds_up"]) == ("2", "bad_money 2", True)
    lost = snapshot(totals={"received": 11, "counted": 6, "duplicates": 1, "late": 1, "refused": {"bad_money": 2}})
    assert live_rows.ledger(lost)["adds_up"] is False


def test_the_feed_names_what_happened():
    event = {
        "event_name": "refund",
        "event_time": AT.isoformat(),
        "items": 1,
        "value": "34.0000",
        "country": "DE",
        "channel": None,
        "device": "mobile",
    }
    [row] = live_rows.happening(snapshot(latest=[event]), SHOP)
    assert (row["time"], row["what"], row["sub"], row["amount"]) == ("14:32:07", "Refund of 1 item", "DE · mobile", "−€34.00")


def test_the_streams_figures_follow_the_readers_locale():
    found = snapshot(events_per_second=1234.56)
    assert live_rows.stream(found, SHOP)["rate"] == "1,234.6"
    with formats.reading(formats.locale_of("de-DE")):
        assert live_rows.stream(found, SHOP)["rate"] == "1.234,6"
