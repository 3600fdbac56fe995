"""The days and the comparison that an address asks for."""

from datetime import date

import pytest

from analytics import ranges
from analytics.ranges import Days, RangeError

TODAY = date(2026, 11, 23)


def test_without_parameters_the_last_28_days_against_the_28_before():
    found = ranges.read({}, TODAY)
    assert (found.name, found.days) == ("last-28-days", Days(date(2026, 10, 26), date(2026, 11, 22)))
    assert found.previous == Days(date(2026, 9, 28), date(2026, 10, 25))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", TODAY, TODAY),
        ("yesterday", date(2026, 11, 22), date(2026, 11, 22)),
        ("last-7-days", date(2026, 11, 16), date(2026, 11, 22)),
        ("last-90-days", date(2026, 8, 25), date(2026, 11, 22)),
        ("this-month", date(2026, 11, 1), TODAY),
    ],
)
def test_named_ranges(name, first, last):
    assert ranges.read({"range": name}, TODAY).days == Days(first, last)


def test_today_and_this_month_hold_today_which_is_live():
    assert [name for name, (_, of) in ranges.NAMED.items() if of(TODAY).last == TODAY] == ["today", "this-month"]


def test_a_year_before_is_52_weeks_so_that_weekdays_meet():
    found = ranges.read({"range": "last-7-days", "compare": "year"}, TODAY)
    assert found.previous == Days(date(2025, 11, 17), date(2025, 11, 23))
    assert found.previous.first.weekday() == found.days.first.weekday()


@pytest.mark.parametrize(
    ("query", "grain"),
    [
        ({"range": "yesterday"}, "hour"),
        ({"range": "last-90-days"}, "day"),
        ({"from": "2025-12-01", "to": "2026-11-22"}, "week"),
        ({"from": "2024-12-01", "to": "2026-11-22"}, "month"),
        ({"range": "last-7-days", "grain": "month"}, "month"),
    ],
)
def test_the_grain_is_what_was_asked_or_what_a_chart_of_that_many_days_bears(query, grain):
    assert ranges.read(query, TODAY).grain == grain


def test_this_month_on_its_first_day_is_that_day():
    assert ranges.read({"range": "this-month"}, date(2026, 3, 1)).days == Days(date(2026, 3, 1), date(2026, 3, 1))


def test_days_of_ones_own_need_no_range_name():
    found = ranges.read({"from": "2026-02-27", "to": "2026-03-01", "compare": "none"}, TODAY)
    assert (found.name, list(found.days)) == ("custom", [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)])
    assert found.previous is None


def test_the_address_of_a_selection_gives_it_again():
    custom = {"from": "2026-01-01", "to": "2026-01-31", "grain": "week"}
    for query in ({}, {"range": "this-month", "compare": "none"}, {"range": "yesterday", "compare": "year", "grain": "hour"}, custom):
        found = ranges.read(query, TODAY)
        assert ranges.read(found.query, TODAY) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"range": "last-3-days"}, "range 'last-3-days' is unknown: it is today, yesterday"),
        ({"compare": "budget"}, "compare 'budget' is unknown: it is previous, year or none"),
        ({"grain": "minute"}, "grain 'minute' is unknown: it is hour, day, week or month"),
        ({"grain": "hour"}, "grain 'hour' shows one day, not 28"),
        ({"range": "custom"}, "needs from and to"),
        ({"from": "2026-11-01"}, "needs to"),
        ({"from": "2026-11-31", "to": "2026-12-01"}, "from '2026-11-31' is not a day"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from 2026-11-02 is after to 2026-11-01: swap them"),
        ({"from": "2026-11-02", "to": "2026-11-24"}, "to 2026-11-24 has not begun"),
        ({"from": "1999-01-01", "to": "1999-01-02"}, "before the calendar's first day"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "2193 days are more than a page shows"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_remedy(query, said):
    with pytest.raises(RangeError, match=said):
        ranges.read(query, TODAY)
