"""The consumer on real Kafka and Redis: its numbers are those of what Kafka acknowledged, whatever dies in between."""

import json
import random
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from stream_world import own_world, stop, wait_until

from ecommerce import events, shops, simulator
from ecommerce.local import servers

pytestmark = pytest.mark.servers

KILLS = 4
POISON = [b"{", b"\xff\xfe", b"null", b"[" * 50_000, b"x" * 70_000, b""]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A day of the demo shop: shop, day, its events as sent, and the answer key."""
    shop = shops.shop("demo")
    day = shop.today() - timedelta(days=1)
    path, _ = simulator.write_day(shop, day, 7, tmp_path_factory.mktemp("day"))
    expected = json.loads((path.parent / "expected.json").read_bytes())
    return shop, day, [events.decode(line) for line in path.read_bytes().splitlines()], expected


def same_numbers(found: dict, expected: dict) -> None:
    assert found["measures"] == expected["measures"]
    for name, estimate in found["estimates"].items():
        assert abs(estimate - expected["distinct"][name]) <= max(3, 3 * 0.0081 * expected["distinct"][name])


@pytest.mark.parametrize("decoder", ["batches", "client"])
def test_killed_many_times_among_copies_and_poison(world, simulated, decoder):
    world.settings = replace(world.settings, record_decoder=decoder)
    _, day, sent, expected = simulated
    dice = random.Random(1)
    copies = dice.sample(sent, len(sent) // 20)
    for number in range(KILLS):
        part = slice(number * len(sent) // KILLS, (number + 1) * len(sent) // KILLS)
        world.send(sent[part])
        world.send(POISON)
        consumer = world.start("consumer")
        world.wait_applied(world.sent - dice.randrange(1, 1500))
        consumer.kill()
        consumer.wait()
    world.send(copies)
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    found = world.snapshot("demo", day)
    same_numbers(found, expected)
    assert found["totals"] == {
        "received": len(sent) + len(copies),
        "counted": len(sent),
        "duplicates": len(copies),
        "late": 0,
        "refused": {},
    }
    offsets = {(headers["partition"], headers["offset"]) for headers, _ in world.dead_letters()}
    assert len(offsets) == KILLS * len(POISON)


def test_redis_killed_under_traffic(kafka, simulated, tmp_path):
    _, day, sent, expected = simulated
    settings = servers.isolated_settings(tmp_path / "redis")
    with ExitStack() as stack:
        process = stack.enter_context(servers.started(settings, "redis"))
        world = stack.enter_context(own_world(kafka, tmp_path, settings))
        consumer = world.start("consumer")
        for number in range(3):
            world.send(sent[number * len(sent) // 3 : (number + 1) * len(sent) // 3])
            wait_until(lambda: world.applied() > world.sent - len(sent) // 4, what="a part applied")
            process.kill()
            process.wait()
            wait_until(lambda n=number: world.log("consumer").count("waiting for Redis at") > n, what="the consumer to wait for Redis")
            process = stack.enter_context(servers.started(settings, "redis"))
        world.wait_applied()
        same_numbers(world.snapshot("demo", day), expected)
        assert stop(consumer) == 0


def test_a_flushed_redis_is_counted_again_from_the_log(world, simulated):
    _, day, sent, expected = simulated
    consumer = world.start("consumer")
    world.send(sent)
    world.wait_applied()
    world.redis.flushall()
    wait_until(lambda: world.applied() == world.sent, what="the log counted again")
    same_numbers(world.snapshot("demo", day), expected)
    assert stop(consumer) == 0
    assert "no live state of partition" in world.log("consumer")


def test_two_consumers_share_and_take_over(world, simulated):
    _, day, sent, expected = simulated
    one, two = world.start("consumer"), world.start("consumer", "--name", "consumer-2")
    world.send(sent[: len(sent) // 2])
    world.wait_applied()
    one.kill()
    world.send(sent[len(sent) // 2 :])
    world.wait_applied()
    same_numbers(world.snapshot("demo", day), expected)
    assert stop(two) == 0


def test_the_state_of_another_topic_refuses_to_start(world, simulated):
    world.redis.hset("live:header", mapping={"generation": 1, "cluster_id": "another", "topic": "shop.events", "topic_id": "x"})
    consumer = world.start("consumer")
    assert consumer.wait(60) == 1
    assert "counts cluster_id another" in world.log("consumer")
    assert "--new-generation" in world.log("consumer")
    world.send(simulated[2][:100])
    consumer = world.start("consumer", "--new-generation")
    world.wait_applied()
    assert stop(consumer) == 0
    assert world.snapshot("demo", simulated[1])["totals"]["counted"] == 100


def test_a_log_that_lost_its_tail_refuses_to_start(world, simulated):
    world.send(simulated[2][:100])
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    for key in world.redis.keys("live:*:partition:*"):
        world.redis.hset(key, "next", 10_000)
    assert world.start("consumer").wait(60) == 1
    assert "counted up to offset 10000, but the log ends at" in world.log("consumer")


def test_it_waits_for_redis_and_says_so(kafka, tmp_path):
    settings = servers.isolated_settings(tmp_path / "redis")
    with ExitStack() as stack:
        with servers.running(settings, "redis"):
            world = stack.enter_context(own_world(kafka, tmp_path, settings))
        consumer = world.start("consumer")
        wait_until(lambda: "waiting for Redis at 127.0.0.1:" in world.log("consumer"), what="the consumer to wait for Redis")
        beat = world.settings.var_dir / "run" / "consumer.heartbeat"
        wait_until(lambda: json.loads(beat.read_bytes())["state"].startswith("waiting for Redis"), what="a heartbeat that says so")
        assert stop(consumer) == 0
