"""A simulated day: the same everywhere, of the contract, within its day, with refunds of real orders."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from ecommerce import events, simulator
from ecommerce.config import PROJECT_DIR
from ecommerce.shops import Shop

DAY = date(2026, 3, 5)
BERLIN = Shop("demo", "Demo shop", "Europe/Berlin", "EUR", True)
SHOPS = {"demo": BERLIN}


@pytest.fixture(scope="module")
def day():
    return list(simulator.day_events(BERLIN, DAY, 42))


def purchases(day: date) -> dict[str, events.Event]:
    return {e.transaction_id: e for e in simulator.day_events(BERLIN, day, 42) if e.event_name == "purchase"}


def test_same_bytes_in_processes_with_different_hash_seeds(tmp_path):
    program = (
        "import sys; from datetime import date; from pathlib import Path; from ecommerce import simulator; from ecommerce.shops import Shop;"
        "simulator.write_day(Shop('demo', 'Demo shop', 'Europe/Berlin', 'EUR', True), date(2026, 3, 5), 42, Path(sys.argv[1]))"
    )
    digests = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(PROJECT_DIR)}
        subprocess.run([sys.executable, "-c", program, str(folder)], env=environ, cwd=tmp_path, check=True)
        digests.append([hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("events.jsonl", "expected.json")])
    assert digests[0] == digests[1]


def test_another_seed_shop_or_date_is_another_day(day):
    ids = {event.event_id for event in day}
    for shop, date_, seed in (
        (BERLIN, DAY, 43),
        (BERLIN, DAY + timedelta(days=1), 42),
        (Shop("uci", "U", "Europe/Berlin", "EUR"), DAY, 42),
    ):
        assert not ids & {event.event_id for event in simulator.day_events(shop, date_, seed)}


def test_every_event_is_of_the_contract(day):
    for event in day:
        decoded = events.decode(events.encode(event))
        events.validate(decoded, SHOPS, datetime.now(UTC) if event.event_time < datetime.now(UTC) else event.event_time)
        assert decoded == event
    assert len({event.event_id for event in day}) == len(day)
    assert {event.event_id[14] for event in day} == {"8"}


def test_a_day_is_of_the_size_and_shape_of_a_shop(day):
    names = Counter(event.event_name for event in day)
    sessions = {event.session_id for event in day}
    assert 14_000 < len(day) < 21_000
    assert 2_700 < len(sessions) < 3_600
    assert names.keys() >= set(events.EVENT_NAMES) - {"adjustment"}
    assert 0.02 < names["purchase"] / len(sessions) < 0.035
    assert names["view_item"] > names["add_to_cart"] > names["begin_checkout"] > names["purchase"]


def test_a_purchase_follows_its_cart_and_checkout_in_its_session(day):
    steps: dict[str, list[str]] = {}
    for event in day:
        steps.setdefault(event.session_id, []).append(event.event_name)
    for names in steps.values():
        if "purchase" in names:
            assert names[0] == "page_view"
            assert names.index("view_item") < names.index("add_to_cart") < names.index("begin_checkout") < names.index("purchase")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 6, 1), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kathmandu", date(2026, 6, 1), 24),
        ("UTC", date(2024, 2, 29), 24),
    ],
)
def test_all_events_lie_within_the_shop_day_in_time_order(zone, day, hours):
    shop = Shop("demo", "Demo shop", zone, "EUR")
    begin, end = shop.bounds(day)
    times = [event.event_time for event in simulator.day_events(shop, day, 42)]
    assert end - begin == timedelta(hours=hours)
    assert begin <= times[0]
    assert times == sorted(times)
    assert times[-1] < end
    assert Counter((time - begin) // timedelta(hours=1) for time in times).keys() == set(range(int(hours + 0.5)))


def test_refunds_are_of_real_orders_of_one_to_fourteen_days_before(day):
    refunds = [event for event in day if event.event_name == "refund"]
    assert len(refunds) > 2
    for refund in refunds[:2]:
        ordered = datetime.strptime(refund.transaction_id, "D%y%m%d-" + refund.transaction_id[-5:]).date()
        assert 1 <= (DAY - ordered).days <= 14
        order = purchases(ordered)[refund.transaction_id]
        bought = {item.item_id: item for item in order.items}
        assert (refund.client_id, refund.user_id, refund.currency) == (order.client_id, order.user_id, order.currency)
        for item in refund.items:
            line = bought[item.item_id]
            assert (item.item_name, item.price) == (line.item_name, line.price)
            assert item.quantity <= line.quantity
            assert events.money_units(item.discount) * line.quantity == events.money_units(line.discount) * item.quantity


def test_an_order_is_refunded_once_at_most():
    days = [DAY + timedelta(days=n) for n in range(2)]
    refunds = Counter(e.transaction_id for day in days for e in simulator.day_events(BERLIN, day, 42) if e.event_name == "refund")
    assert len(refunds) > 5
    assert set(refunds.values()) == {1}


def test_customers_come_back_and_no_name_leaves_the_shop(day):
    first, second = ({e.user_id for e in simulator.day_events(BERLIN, d, 42) if e.user_id} for d in (DAY, DAY + timedelta(days=1)))
    assert len(first & second) > 20
    assert all(user_id[0] == "c" and user_id[1:].isdigit() for user_id in first)
