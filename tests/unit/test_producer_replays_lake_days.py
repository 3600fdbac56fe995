"""A lake day becomes the wire events that it was made of; a day that cannot be one says why."""

from datetime import date

import lake_day
import pytest

from ecommerce import replay, simulator
from ecommerce.config import Settings
from ecommerce.events import Event, decode, encode, money_units
from ecommerce.shops import Shop

DAY = date(2026, 3, 5)
SHOP = Shop("demo", "Demo shop", "Europe/Berlin", "EUR", True)


def publish(config, flat, files=2) -> None:
    lake_day.publish(config.lake_dir, "simulated", "demo", DAY, flat, files)


def comparable(event: Event) -> tuple:
    """The event with its amounts as numbers, "5.00" and "5.0000" being one."""
    money = tuple(None if text is None else money_units(text) for text in (event.tax, event.shipping))
    items = [
        (i.item_id, i.item_name, i.item_category, i.item_brand, i.quantity, money_units(i.price), money_units(i.discount))
        for i in event.items
    ]
    other = tuple(getattr(event, name) for name in event.__struct_fields__ if name not in ("tax", "shipping", "items"))
    return other, money, tuple(items)


@pytest.fixture(scope="module")
def day():
    return list(simulator.day_events(SHOP, DAY, 42))[-800:]


@pytest.fixture
def config(tmp_path):
    return Settings(lake_dir=tmp_path, var_dir=tmp_path)


def test_the_events_come_back_with_their_ids_items_and_order(config, day):
    publish(config, [row for event in day for row in lake_day.rows(event)])
    back = list(replay.day_events(config.lake_dir, "simulated", "demo", DAY))
    assert all(decode(encode(event)) == event for event in back)
    assert [event.event_time for event in back] == [event.event_time for event in day]
    assert sorted(map(comparable, back), key=str) == sorted(map(comparable, day), key=str)


@pytest.mark.parametrize("name", ["client_id", "session_id"])
def test_rows_of_nobody_cannot_travel(config, day, name):
    publish(config, [row | {name: None} for row in lake_day.rows(day[0])], files=1)
    with pytest.raises(replay.ReplayError, match=f"have no {name}.*cannot be streamed"):
        replay.day_events(config.lake_dir, "simulated", "demo", DAY)


def test_the_only_source_is_taken_and_a_named_one_must_be_there(config, day):
    publish(config, lake_day.rows(day[0]), files=1)
    assert replay.choose_source(config, "demo", DAY) == "simulated"
    assert replay.choose_source(config, "demo", DAY, "simulated") == "simulated"
    with pytest.raises(replay.ReplayError, match="from simulated, not from kafka"):
        replay.choose_source(config, "demo", DAY, "kafka")


def test_a_day_that_was_never_loaded(config):
    with pytest.raises(replay.ReplayError, match=r"no events of demo on 2026-03-05.*ecommerce etl"):
        replay.choose_source(config, "demo", DAY)
