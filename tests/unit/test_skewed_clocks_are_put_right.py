"""The time of an event from a clock that is off is corrected by when it was sent and when Kafka had it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from shop_events import NOON, SHOP, event

from ecommerce import events, stream
from ecommerce.event_reader import EventReader
from ecommerce.events import Reason, Refused

SHOPS = {"demo": SHOP}
WRITTEN = int(NOON.timestamp() * 1000)


def wire(event_time, sent_at) -> bytes:
    return events.encode(event(event_time=event_time, sent_at=sent_at))


@pytest.mark.parametrize("hours", [-24 * 365 * 40, -3, 3, 24 * 365 * 100])
def test_a_skew_is_taken_off(hours):
    off = timedelta(hours=hours)
    raw = wire(NOON + off - timedelta(seconds=5), NOON + off)
    assert stream.read(raw, WRITTEN, SHOPS).event_time == NOON - timedelta(seconds=5)
    ((_, quick),), _ = EventReader(SHOPS).read([(0, WRITTEN, b"", raw)])
    assert quick.event_time == NOON - timedelta(seconds=5)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_what_is_on_its_way_for_a_while_is_left_alone(seconds):
    raw = wire(NOON - timedelta(hours=1), NOON - timedelta(seconds=seconds))
    assert stream.read(raw, WRITTEN, SHOPS).event_time == NOON - timedelta(hours=1)
    ((_, quick),), _ = EventReader(SHOPS).read([(0, WRITTEN, b"", raw)])
    assert quick.event_time == NOON - timedelta(hours=1)


def test_an_old_event_sent_late_by_a_right_clock_keeps_its_time():
    assert stream.read(wire(NOON - timedelta(days=30), NOON), WRITTEN, SHOPS).event_time == NOON - timedelta(days=30)


def test_a_correction_beyond_time_is_refused():
    raw = wire(datetime(9999, 12, 31, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
    with pytest.raises(Refused) as refused:
        stream.read(raw, WRITTEN, SHOPS)
    assert refused.value.reason is Reason.BAD_TIME


def test_sent_at_is_optional_and_a_time():
    fields = json.loads(wire(NOON, None))
    assert "sent_at" not in fields
    with pytest.raises(Refused) as refused:
        stream.read(json.dumps({**fields, "sent_at": "yesterday"}).encode(), WRITTEN, SHOPS)
    assert refused.value.reason is Reason.BAD_TIME
