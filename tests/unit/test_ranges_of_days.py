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
        ("yesterday", date(2026, 11, 22), date(2026, 11, 22)),
        ("last-7-days", date(2026, 11, 16), date(2026, 11, 22)),
        ("last-90-days", date(2026, 8, 25), date(2026, 11, 22)),
        ("this-month", date(2026, 11, 1), TODAY),
    ],
)
def test_named_ranges(name, first, last):
    assert ranges.read({"range": name}, TODAY).days == Days(first, last)


def test_only_this_month_holds_today_which_is_live():
    assert [name for name, (_, of) in ranges.NAMED.items() if of(TODAY).last == TODAY] == ["this-month"]


def test_this_month_on_its_first_day_is_that_day():
    assert ranges.read({"range": "this-month"}, date(2026, 3, 1)).days == Days(date(2026, 3, 1), date(2026, 3, 1))


def test_days_of_ones_own_need_no_range_name():
    found = ranges.read({"from": "2026-02-27", "to": "2026-03-01", "compare": "none"}, TODAY)
    assert (found.name, list(found.days)) == ("custom", [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)])
    assert found.previous is None


def test_the_address_of_a_selection_gives_it_again():
    for query in ({}, {"range": "this-month", "compare": "none"}, {"from": "2026-01-01", "to": "2026-01-31"}):
        found = ranges.read(query, TODAY)
        assert ranges.read(found.query, TODAY) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"range": "last-3-days"}, "range 'last-3-days' is unknown: it is one of yesterday"),
        ({"compare": "year"}, "compare 'year' is unknown: it is previous or none"),
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
