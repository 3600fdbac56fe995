"""A refused record counts in a shop-day where one can be told; a record's own time decides what is the future."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from shop_events import NOON, SHOP, event

from ecommerce import events, stream
from ecommerce.events import Reason, Refused

SHOPS = {"demo": SHOP}
WRITTEN = int(NOON.timestamp() * 1000)


def wire(**changes) -> bytes:
    return json.dumps({**json.loads(events.encode(event())), **changes}).encode()


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (wire(currency="USD"), ("demo", "2026-06-01")),
        (wire(event_time="2026-05-30T23:30:00Z", quantity="x"), ("demo", "2026-05-31")),
        (wire(event_time="yesterday"), ("demo", "2026-06-01")),
        (wire(event_time="2026-06-01T12:00:00"), ("demo", "2026-06-01")),
        (wire(event_time="2027-01-01T00:00:00Z"), ("demo", "2026-06-01")),
        (wire(event_time="0001-01-01T00:00:00+14:00"), ("demo", "2026-06-01")),
        (wire(shop_id="nobody"), None),
        (wire(shop_id=7), None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b"", None),
        (None, None),
    ],
)
def test_where_a_refused_record_counts(raw, place):
    assert stream.shop_day_of_refused(raw, WRITTEN, SHOPS) == place


@pytest.mark.parametrize("raw", [None, b"", b"[" * 50_000, b"\xff", b'"\\ud800"', b"NaN", b"null"])
def test_what_is_no_event_is_refused_and_never_raises_otherwise(raw):
    with pytest.raises(Refused):
        stream.read(raw, WRITTEN, SHOPS)


def test_the_future_is_judged_by_when_the_record_was_written():
    ahead = wire(event_time="2026-06-01T12:06:00Z")
    with pytest.raises(Refused) as refused:
        stream.read(ahead, WRITTEN, SHOPS)
    assert refused.value.reason is Reason.BAD_TIME
    assert stream.read(ahead, WRITTEN + 60_000, SHOPS).event_name == "page_view"


def test_a_record_from_the_future_is_judged_by_our_clock():
    assert stream.written_at(int((datetime.now(UTC) + timedelta(days=9)).timestamp() * 1000)) <= datetime.now(UTC)
