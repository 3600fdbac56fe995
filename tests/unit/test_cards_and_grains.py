"""Cells of cards, and days cut into weeks and months that meet those of the period before."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics import cards
from analytics.customers_views import _joined
from analytics.figures import Period, ShopDay, cut, cut_like
from analytics.ranges import Days
from ecommerce.day_states import DayState


def period(first: date, length: int) -> Period:
    days = Days(first, first + timedelta(days=length - 1))
    return Period(days, tuple(ShopDay(day, DayState("final", ""), {"orders": 1}) for day in days))


def test_weeks_begin_on_monday_and_meet_as_many_days_before():
    now, before = period(date(2026, 11, 11), 12), period(date(2026, 10, 30), 12)
    weeks = cut(now, "week")
    assert [(week.days.first.isoformat(), len(week.days)) for week in weeks] == [("2026-11-11", 5), ("2026-11-16", 7)]
    assert [len(week.days) for week in cut_like(before, weeks)] == [5, 7]
    assert [week.total("orders") for week in weeks] == [5, 7]


def test_a_week_across_new_year_is_one_week_and_a_month_never_mixes_years():
    assert [len(week.days) for week in cut(period(date(2026, 12, 28), 7), "week")] == [7]
    assert [len(month.days) for month in cut(period(date(2025, 11, 1), 395), "month")][:2] == [30, 31]
    assert len(cut(period(date(2025, 11, 1), 395), "month")) == 13


@pytest.mark.parametrize(("value", "step"), [(0, "h0"), (-3, "h0"), (1, "h0"), (50, "h3"), (99, "h6"), (100, "h6")])
def test_a_heat_maps_step_is_a_seventh_of_the_most(value, step):
    assert cards.heat_step(value, 100) == step
    assert cards.heat_step(value, 0) == "h0"


def test_a_change_against_nothing_is_new_and_against_the_unknown_a_dash():
    assert cards.changed("net_revenue", Decimal(5), Decimal(0), "EUR").text == "new"
    assert cards.changed("net_revenue", Decimal(5), None, "EUR").text == "–"
    assert cards.changed("net_revenue", Decimal(0), Decimal(0), "EUR").text == "–"
    assert cards.changed("refund_rate", Decimal("0.05"), Decimal("0.04"), "EUR").css == "bad"


def test_names_from_the_data_hold_no_control_character_and_countries_have_names():
    assert cards.text("a\u202eb\x00").text == "a\ufffdb\ufffd"
    assert cards.of_dimension("country", "GB").text == "United Kingdom"
    assert cards.of_dimension("country", "EIRE").text == "EIRE"
    assert cards.of_dimension("channel", "GB").text == "GB"


@pytest.mark.parametrize(
    ("bands", "text"),
    [
        (["0–14 d"], "0–14 d"),
        (["0–14 d", "15–40 d"], "0–40 d"),
        (["91–180 d", "> 180 d"], "over 90 d"),
        (["3–4 orders", "5–7 orders", "8+ orders"], "3+ orders"),
        (["1 order", "2 orders"], "1–2 orders"),
    ],
)
def test_bands_that_follow_one_another_read_as_one(bands, text):
    assert _joined(bands) == text


def test_a_column_that_is_left_out_takes_its_cells_with_it():
    made = cards.table([cards.Column("A"), None, cards.Column("C")], [[cards.Cell("a"), cards.Cell("b"), cards.Cell("c")]])
    assert [cell.text for cell in made["rows"][0].cells] == ["a", "c"]
    assert [column.title for column in made["columns"]] == ["A", "C"]
