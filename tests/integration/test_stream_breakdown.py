"""What the live day is made of by country, channel and device: exact sums, bounded in number."""

from datetime import UTC, datetime

import pytest
from shop_events import NOON, SHOP, event, purchase
from test_stream_live_step import Log

from ecommerce.live import LiveState, Progress, keys

pytestmark = pytest.mark.servers


def breakdown(redis):
    return LiveState(redis).snapshot(SHOP, NOON.date())["breakdown"]


def test_values_by_gross_revenue_then_events(redis):
    log = Log(redis)
    log.apply(event(country="DE", device="mobile"), event(country="DE"), purchase("T1", country="FR"), event("refund", country="DE"))
    log.apply(purchase("T2", country="FR"), event(minutes=1))
    assert breakdown(redis)["country"] == [
        {"value": "FR", "events": 2, "orders": 2, "gross_revenue": "40.0000"},
        {"value": "DE", "events": 3, "orders": 0, "gross_revenue": "0.0000"},
        {"value": keys.NOT_SET, "events": 1, "orders": 0, "gross_revenue": "0.0000"},
    ]
    assert [row["value"] for row in breakdown(redis)["device"]] == [keys.NOT_SET, "mobile"]


def test_no_traffic_grows_it_without_end(redis):
    log = Log(redis)
    for start in (0, 150):
        log.apply(*(event(channel=f"c{number}") for number in range(start, start + 150)))
    stored = redis.hgetall(f"live:1:breakdown:channel:demo:{NOON.date()}")
    assert len(stored) == 3 * (keys.MAX_VALUES + 1)
    assert sum(int(count) for name, count in stored.items() if name.startswith(b"events:")) == 300
    assert len(breakdown(redis)["channel"]) == 10
    assert breakdown(redis)["channel"][0] == {"value": keys.OTHER, "events": 100, "orders": 0, "gross_revenue": "0.0000"}


def test_an_empty_day_has_empty_breakdowns_and_no_rebuild(redis):
    found = LiveState(redis).snapshot(SHOP, NOON.date())
    assert (found["version"], found["breakdown"], found["rebuild"]) == (2, {"country": [], "channel": [], "device": []}, None)


def test_a_rebuild_shows_its_progress(redis):
    redis.hset(keys.REBUILD, mapping={"since": "2026-06-01T12:00:00Z", "done:0": 30, "total:0": 100, "done:1": 0, "total:1": 20})
    assert LiveState(redis).snapshot(SHOP, NOON.date())["rebuild"] == {"percent": 25, "since": "2026-06-01T12:00:00Z"}


def test_a_rebuild_that_ended_is_told_for_the_rest_of_the_day(redis):
    progress = Progress(redis)
    progress.begin({0: (0, 10)})
    assert LiveState(redis).snapshot(SHOP, NOON.date())["rebuilt_at"] is None
    progress.end()
    found = LiveState(redis).snapshot(SHOP, NOON.date())
    assert found["rebuild"] is None
    assert datetime.fromisoformat(found["rebuilt_at"]) <= datetime.now(UTC)
