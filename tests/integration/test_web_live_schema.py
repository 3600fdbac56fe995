"""The live snapshot follows its schema, to the field."""

import pytest
from pydantic import ValidationError
from redis import Redis
from shop_events import NOON, SHOP, event, purchase
from test_stream_live_step import Log

from analytics.live_schema import Snapshot
from analytics.live_source import shown
from ecommerce.live import LiveState

pytestmark = pytest.mark.servers


@pytest.fixture
def snapshot(redis_server):
    """A day with an event of every kind, and a rebuild under way."""
    with Redis(**redis_server.redis_options, db=1) as client:
        client.flushdb()
        kinds = ("page_view", "view_item_list", "view_item", "add_to_cart", "remove_from_cart", "begin_checkout", "refund", "adjustment")
        Log(client).apply(*(event(kind, country="DE", channel="Email", device="mobile") for kind in kinds), purchase("T1"))
        client.hset("live:rebuild", mapping={"since": "2026-06-01T12:00:00Z", "done:0": 1, "total:0": 2})
        yield shown(LiveState(client).snapshot(SHOP, NOON.date()))
        client.flushdb()


def test_a_full_day_follows_the_schema(snapshot):
    found = Snapshot.model_validate(snapshot)
    assert found.latest
    assert found.rebuild.percent == 50


@pytest.mark.parametrize("change", [{"version": 1}, {"surname": "Smith"}, {"last_event_at": "yesterday"}, {"totals": {}}])
def test_another_version_or_field_does_not(snapshot, change):
    with pytest.raises(ValidationError):
        Snapshot.model_validate(snapshot | change)
