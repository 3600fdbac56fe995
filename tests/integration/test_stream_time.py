"""Time on a real Redis: clock changes, disorder, backlogs read in any order of partitions."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from shop_events import NOON, SHOP, event, purchase
from test_stream_live_step import ORIGIN, SHOPS, Log

from ecommerce.live import LiveState, LiveWriter

pytestmark = pytest.mark.servers


def day_of(redis, day):
    return LiveState(redis).snapshot(SHOP, day)


def counted(redis) -> dict:
    """Every sum, by key."""
    return {key: redis.hgetall(key) for kind in ("day", "hours", "minute") for key in redis.scan_iter(f"live:1:{kind}:*")} | {
        key: redis.smembers(key) for key in redis.scan_iter("live:1:seen:*")
    }


@pytest.mark.parametrize(
    ("first", "hours", "day", "twice"),
    [
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), 23, date(2026, 3, 29), None),
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), 25, date(2026, 10, 25), "02:00"),
    ],
)
def test_the_days_of_clock_changes_are_whole(redis, first, hours, day, twice):
    log = Log(redis)
    log.apply(*(purchase(f"T{hour}", event_time=first + timedelta(hours=hour)) for hour in range(-1, hours + 1)))
    found = day_of(redis, day)
    assert found["measures"]["orders"] == hours
    by_hour = {row["hour"]: row["orders"] for row in found["hours"]}
    assert sum(by_hour.values()) == hours
    assert by_hour.get("02:00") == (2 if twice else 0)


def test_disorder_of_48_hours_is_exact_and_one_microsecond_more_is_late(redis):
    ordered = [purchase(f"T{n}", minutes=n * 24) for n in range(121)]
    shuffled = random.Random(3).sample(ordered, len(ordered))
    log = Log(redis)
    for at in range(0, 121, 11):
        log.apply(*shuffled[at : at + 11])
    top = NOON + timedelta(hours=48)
    log.apply(event(event_time=top - timedelta(hours=48)), event(event_time=top - timedelta(hours=48, microseconds=1)))
    totals = [day_of(redis, NOON.date() + timedelta(days=n))["totals"] for n in range(3)]
    assert sum(total["counted"] for total in totals) == 122
    assert sum(total["late"] for total in totals) == 1
    assert redis.llen(f"live:1:late:demo:{NOON.date()}") == 1


@pytest.mark.parametrize("order", ["forwards", "backwards", "in turns"])
def test_a_backlog_of_ten_days_gives_the_same_state_in_any_order_of_partitions(redis, order):
    rng = random.Random(4)
    logs = [
        sorted(
            (event("add_to_cart", minutes=rng.randrange(14_400), session_id=f"s{number}-{n}") for n in range(200)),
            key=lambda e: e.event_time,
        )
        for number in range(4)
    ]
    for one in logs:
        for at in rng.sample(range(150), 20):
            one[at], one[at + 40] = one[at + 40], one[at]
    writers = [Log(redis, number) for number in range(4)]
    steps = [(number, at) for number in range(4) for at in range(0, 200, 50)]
    if order == "backwards":
        steps = [(3 - number, at) for number, at in steps]
    elif order == "in turns":
        steps.sort(key=lambda step: step[1])
    for number, at in steps:
        writers[number].apply(*logs[number][at : at + 50])
    found = {key: {name: value for name, value in values.items() if name != b"lag_ms"} if isinstance(values, dict) else len(values)
             for key, values in counted(redis).items()}  # fmt: skip
    previous = BACKLOGS.setdefault("state", found)
    assert found == previous
    assert any(values.get(b"late") for values in found.values() if isinstance(values, dict))


BACKLOGS: dict[str, dict] = {}


def test_with_one_watermark_for_all_partitions_the_order_would_matter(redis):
    """Negative control: the watermark that makes the test above pass is the partition's own."""
    writer = LiveWriter(redis, ORIGIN, SHOPS)
    ahead, behind = Log(redis, 0), Log(redis, 1)
    ahead.apply(event(minutes=60 * 72))
    behind.claim.watermarks.update(ahead.claim.watermarks)
    behind.apply(event())
    assert day_of(redis, NOON.date())["totals"]["late"] == 1
    assert writer.names.generation == 1
