"""The archiver on real Kafka: each accepted event is in the lake once, in its shop-day, whatever dies in between."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stream_world import stop, wait_until

from ecommerce import lake, shops, simulator

KILLS = 4
pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def two_days():
    shop = shops.shop("demo")
    yesterday = shop.today() - timedelta(days=1)
    return [event for day in (yesterday - timedelta(days=1), yesterday) for event in simulator.day_events(shop, day, 7)][::4]


def partitions(world) -> list[Path]:
    root = world.settings.lake_dir
    return [lake.events(root, "kafka", "demo", day) for day in lake.days(root, "kafka", "demo")]


def rows(world) -> int:
    return sum(lake.read_manifest(partition).rows for partition in partitions(world))


def lines(events) -> Counter:
    return Counter((event.event_id, index) for event in events for index in range(max(1, len(event.items))))


def contents(world) -> Counter:
    table = pa.concat_tables([pq.read_table(path) for partition in partitions(world) for path in lake.files(partition)])
    return Counter(zip(table["event_id"].to_pylist(), table["item_index"].to_pylist(), strict=True))


def test_killed_many_times_each_event_is_there_once(world, two_days):
    dice = random.Random(2)
    for number in range(KILLS):
        world.send(two_days[number * len(two_days) // KILLS : (number + 1) * len(two_days) // KILLS])
        world.send([b"{"])
        archiver = world.start("archiver", "--flush-rows", "700", "--flush-seconds", "0.2")
        wanted = dice.randrange(100, len(two_days) // KILLS) + number * len(two_days) // KILLS
        wait_until(lambda n=wanted: rows(world) > n, what=f"{wanted} rows\n{world.log('archiver')}\n")
        archiver.kill()
        archiver.wait()
    archiver = world.start("archiver")
    # A heartbeat of one that was killed may say the same.
    at_the_end = (f'"pid":{archiver.pid},', "gathered", '"lag":0')
    wait_until(lambda: all(part in beat(world) for part in at_the_end), what="the archiver at the end of the log")
    assert stop(archiver) == 0
    assert contents(world) == lines(two_days)


def beat(world) -> str:
    path = world.settings.var_dir / "run" / "archiver.heartbeat"
    return path.read_text() if path.exists() else ""


def test_rows_lie_in_their_shop_day(world, two_days):
    world.send(two_days[::10])
    archiver = world.start("archiver", "--flush-seconds", "0.2")
    wait_until(lambda: rows(world) == lines(two_days[::10]).total(), what="all rows archived")
    assert contents(world) == lines(two_days[::10])
    assert stop(archiver) == 0
    shop = shops.shop("demo")
    for day in lake.days(world.settings.lake_dir, "kafka", "demo"):
        for path in lake.files(lake.events(world.settings.lake_dir, "kafka", "demo", day)):
            assert {shop.day_of(time) for time in pq.read_table(path)["event_time"].to_pylist()} == {day}


def test_a_stop_writes_what_was_gathered(world, two_days):
    world.send(two_days[:500])
    archiver = world.start("archiver", "--flush-seconds", "3600")
    wait_until(lambda: '"gathered":500' in beat(world), what="500 events gathered")
    assert rows(world) == 0
    assert stop(archiver) == 0
    assert contents(world) == lines(two_days[:500])


def test_a_second_archiver_refuses(world):
    first = world.start("archiver")
    wait_until(lambda: "archiving" in world.log("archiver"))
    assert world.start("archiver").wait(30) == 1
    assert "another archiver" in world.log("archiver")
    assert stop(first) == 0
