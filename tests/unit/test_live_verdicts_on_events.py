"""Every event of a batch gets one verdict, by its partition's order alone."""

from datetime import UTC, datetime

import pytest
from shop_events import NOON, SHOP, event, purchase

from ecommerce.events import Item, Reason
from ecommerce.live.aggregate import Accepted, Batch, Judge, Known, Refusal, fold
from ecommerce.live.keys import microseconds

HOUR = 60
PLACE = ("demo", "2026-06-01")


def judge(events, watermarks=None, known=None, refused=()):
    batch = Batch(0, 0, len(events), [Accepted(i, e) for i, e in enumerate(events)], list(refused))
    return Judge({"demo": SHOP}).verdicts(batch, watermarks or {}, known or Known())


def test_a_second_copy_of_an_id_is_a_duplicate():
    first = event()
    found = judge([first, event(), first])
    assert dict(found.tallies[PLACE]) == {"received": 3, "counted": 2, "duplicates": 1}


def test_ids_that_redis_knows_are_duplicates():
    first = event()
    assert judge([first], known=Known(ids={first.event_id})).tallies[PLACE]["duplicates"] == 1


def test_a_second_event_of_an_order_is_refused_and_names_the_first():
    first, second = purchase("T1"), purchase("T1")
    found = judge([first, second])
    assert found.tallies[PLACE]["refused:duplicate_order"] == 1
    assert found.refused == [Refusal(1, Reason.DUPLICATE_ORDER, f"transaction T1 was counted by event {first.event_id}", *PLACE)]


def test_a_copy_of_an_order_is_a_duplicate_also_behind_a_second_event_of_it():
    first, second = purchase("T1"), purchase("T1")
    found = judge([second, first], known=Known(transactions={("demo", "T1"): first.event_id}))
    assert dict(found.tallies[PLACE]) == {"received": 2, "refused:duplicate_order": 1, "duplicates": 1}


def test_more_than_48_hours_behind_the_watermark_is_late_and_exactly_48_is_not():
    found = judge([event(minutes=48 * HOUR), event(minutes=0), event(minutes=-1 / 60)])
    assert found.tallies["demo", "2026-06-03"]["counted"] == 1
    assert dict(found.tallies[PLACE]) == {"received": 2, "counted": 1, "late": 1}


def test_what_is_not_counted_does_not_move_the_watermark():
    ahead = event(minutes=72 * HOUR)
    found = judge([event(), ahead, event(minutes=1)], known=Known(ids={ahead.event_id}))
    assert found.watermarks == {"demo": microseconds(NOON) + 60_000_000}
    assert found.tallies[PLACE]["counted"] == 2


def test_the_watermark_is_the_stored_one_when_nothing_newer_comes():
    stored = {"demo": microseconds(NOON) + 49 * 3600 * 1_000_000}
    found = judge([event()], watermarks=stored)
    assert found.tallies[PLACE]["late"] == 1
    assert found.watermarks == {}


def test_refused_records_count_in_their_shop_day_or_apart():
    found = judge([], refused=[Refusal(0, Reason.BAD_MONEY, "", *PLACE), Refusal(1, Reason.NOT_JSON, "")])
    assert dict(found.tallies[PLACE]) == {"received": 1, "refused:bad_money": 1}
    assert dict(found.unattributed) == {"received": 1, "refused:not_json": 1}


def test_received_is_the_sum_of_all_verdicts():
    copy = event()
    found = judge(
        [copy, copy, purchase("T"), purchase("T"), event(minutes=50 * HOUR), event()], refused=[Refusal(9, Reason.BAD_TYPE, "", *PLACE)]
    )
    for tally in found.tallies.values():
        assert tally["received"] == sum(count for name, count in tally.items() if name != "received")


@pytest.mark.parametrize(
    ("utc", "day", "hour"),
    [
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), "2026-03-29", "00"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29", "03"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25", "02"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25", "02"),
        (datetime(2026, 10, 25, 22, 59, 59, 999999, tzinfo=UTC), "2026-10-25", "23"),
        (datetime(1890, 1, 1, tzinfo=UTC), "1890-01-01", "00"),
    ],
)
def test_days_and_hours_are_the_shops_over_clock_changes(utc, day, hour):
    (counted,) = judge([event(event_time=utc)]).counted
    assert (counted.day, counted.hour) == (day, hour)


def test_sums_of_a_minute_are_integers_of_a_ten_thousandth():
    events = [
        purchase("T1", items=[Item("A", "0.0001", 3), Item("B", "10.5", 2, discount="1")]),
        event("refund", items=[Item("A", "5", 1, discount="0.5")]),
        event("adjustment", items=[Item("C", "-2.5", 2)]),
        event("adjustment", items=[Item("C", "1", 1)]),
        event("add_to_cart", client_id="other"),
        event("remove_from_cart"),
    ]
    (group,) = fold(judge(events).counted).values()
    assert dict(group.values) == {
        "events": 6, "orders": 1, "units": 5, "gross_revenue": 210_003, "discounts": 10_000, "tax": 30_000, "shipping": 49_000,
        "refunds": 45_000, "adjustments_down": 50_000, "adjustments_up": 10_000, "add_to_carts": 1,
    }  # fmt: skip
    assert group.visitors == {"visitor-1", "other"}
    assert set(group.steps) == {"purchase", "add_to_cart"}


def test_money_beyond_a_double_stays_exact():
    (group,) = fold(judge([purchase("T1", items=[Item("A", "900719925474.0993", 1)])]).counted).values()
    assert group.values["gross_revenue"] == 2**53 + 1
