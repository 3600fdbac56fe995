"""Live traffic: of the contract, at the present moment, at the rate, new in every run, orders and refunds in it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from ecommerce import events, simulator
from ecommerce.shops import Shop
from ecommerce.simulator import live

SHOP = Shop("demo", "Demo shop", "Europe/Berlin", "EUR", True)
FAST = 1e9


@pytest.fixture(scope="module")
def sample():
    return list(islice(simulator.stream(SHOP, 42, FAST), 20_000))


def test_events_are_of_the_contract_and_of_now():
    for event in islice(simulator.stream(SHOP, 1, FAST), 3_000):
        now = datetime.now(UTC)
        decoded = events.decode(events.encode(event))
        events.validate(decoded, {"demo": SHOP}, now)
        assert timedelta(0) <= now - event.event_time < timedelta(seconds=1)
        assert decoded.event_id[14] == "7"


def test_the_mix_is_a_shops(sample):
    names = Counter(event.event_name for event in sample)
    assert names["purchase"] > 60
    assert names["refund"] > 0
    assert names["view_item"] > names["add_to_cart"] > names["begin_checkout"] > names["purchase"]


def test_refunds_are_of_orders_made_before(sample):
    orders = {}
    for event in sample:
        if event.event_name == "purchase":
            orders[event.transaction_id] = {item.item_id: item.price for item in event.items}
        elif event.event_name == "refund":
            assert {item.item_id: item.price for item in event.items}.items() <= orders[event.transaction_id].items()


def test_visits_interleave_and_each_keeps_its_order(sample):
    by_session: dict[str, list[events.Event]] = {}
    for event in sample:
        by_session.setdefault(event.session_id, []).append(event)
    assert len({event.session_id for event in sample[:100]}) > 20
    for visit in by_session.values():
        assert visit[0].event_name == "page_view"
        assert len({(event.client_id, event.country, event.device, event.channel) for event in visit}) == 1


def test_a_restart_takes_new_ids_for_events_sessions_and_orders(sample):
    again = list(islice(simulator.stream(SHOP, 42, FAST), 20_000))
    for name in ("event_id", "session_id", "transaction_id"):
        first, second = ({getattr(event, name) for event in run} - {None} for run in (sample, again))
        assert first
        assert not first & second


def test_the_rate_is_kept_and_a_true_wait_ends_the_stream(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds
        return now[0] > 100

    assert sum(1 for _ in simulator.stream(SHOP, 42, 50, wait)) == pytest.approx(5_000, rel=0.01)


def test_no_burst_after_the_reader_was_away(monkeypatch):
    now, slept = [0.0], [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds
        slept[0] += seconds

    traffic = simulator.stream(SHOP, 42, 10, wait)
    next(traffic)
    now[0] += 3_600
    list(islice(traffic, 100))
    assert slept[0] > 5


def test_visits_under_way_stay_few_at_any_rate():
    traffic = live.Traffic(SHOP, 42, 20_000)
    for _ in range(20_000):
        traffic.step()
    assert len(traffic._walks) < 5_000


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_be_above_zero(rate):
    with pytest.raises(ValueError, match="above 0"):
        next(simulator.stream(SHOP, 42, rate))
