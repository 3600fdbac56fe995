"""Sums, ratios and changes of a period."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics.figures import Period, ShopDay, change, settled_sentence
from analytics.ranges import Days
from ecommerce.day_states import DayState

FIRST = date(2026, 11, 1)


def measures(**values):
    known = {"orders": 2, "units": 3, "sessions": 100, "sessions_with_order": 2, "customers": 2, "visitors": 90}
    known |= {"gross_revenue": Decimal("100.1000"), "discounts": Decimal("10.1000"), "refunds": Decimal("9.0000")}
    known |= {"adjustments": Decimal(0), "net_revenue": Decimal("81.0000"), "tax": None, "shipping": Decimal(5)}
    return known | values


def period(*days, states=None):
    """A period of one shop-day for each of ``days``: its measures, or None."""
    names = states or ["final" if day else "none" for day in days]
    shop_days = [ShopDay(FIRST + timedelta(days=n), DayState(names[n], ""), day) for n, day in enumerate(days)]
    return Period(Days(FIRST, FIRST + timedelta(days=len(days) - 1)), tuple(shop_days))


def test_amounts_add_up_exactly():
    cents = [measures(net_revenue=Decimal("0.1000")) for _ in range(3)]
    assert period(*cents).total("net_revenue") == Decimal("0.3000")


def test_a_ratio_comes_from_sums_and_not_from_the_days_ratios():
    found = period(measures(orders=1, sessions=10, sessions_with_order=1), measures(orders=0, sessions=990, sessions_with_order=0))
    assert found.value("conversion_rate") == Decimal("0.001")


def test_a_day_without_data_is_left_out_of_sums():
    assert period(measures(), None).total("orders") == 2
    assert period(None, None).total("orders") is None


def test_a_measure_that_a_days_source_does_not_give_is_unknown_and_says_so():
    found = period(measures(), measures(sessions=None))
    assert found.value("conversion_rate") is None
    assert found.why_unknown("conversion_rate") == "the source gives no sessions on 1 of 2 days"
    assert period(measures(sessions=None)).why_unknown("conversion_rate") == "the source gives no sessions"


def test_a_ratio_without_a_base_says_what_is_missing():
    found = period(measures(orders=0))
    assert found.value("average_order_value") is None
    assert found.why_unknown("average_order_value") == "no orders in these days"
    assert period(None).why_unknown("orders") == "no data in these days"


def test_an_amount_changes_in_per_cent_and_a_ratio_by_a_difference():
    assert change("orders", 110, 100).relative == Decimal("0.1")
    assert change("refund_rate", Decimal("0.05"), Decimal("0.04")).relative is None


@pytest.mark.parametrize(
    ("name", "value", "previous", "tone"),
    [("orders", 2, 1, "good"), ("orders", 1, 2, "bad"), ("orders", 1, 1, ""), ("refunds", 2, 1, "bad"), ("discounts", 2, 1, "")],
)
def test_better_depends_on_the_metric(name, value, previous, tone):
    assert change(name, value, previous).tone == tone


def test_against_nothing_there_is_no_percentage():
    assert change("orders", 5, None) is None
    assert change("orders", 5, 0).relative is None


def test_the_sentence_counts_every_day_once():
    found = period(measures(), measures(), measures(), None, states=["final", "final", "revised", "none"])
    assert settled_sentence(found) == "2 days are final, 1 is revised, 1 has no data."
    assert settled_sentence(period(measures(), states=["live"])) == "1 day is live."
