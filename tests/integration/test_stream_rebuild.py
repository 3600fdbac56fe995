"""A rebuilt live state equals the one that was lost or replaced, from the archive, from Kafka, and from both."""

import json
from datetime import timedelta

import pytest
from kafka import KafkaAdminClient, TopicPartition
from stream_world import stop, wait_until

from ecommerce import letters, live, rebuild, shops, simulator, stream
from ecommerce.live import generations, keys

pytestmark = pytest.mark.servers
POISON = [b"{", b"\xff", b'{"shop_id": "demo"}', b""]


@pytest.fixture(scope="module")
def sent():
    shop = shops.shop("demo")
    day = shop.today() - timedelta(days=1)
    events = list(simulator.day_events(shop, day, 7))[::3]
    orders = [event for event in events if event.event_name == "purchase"]
    again = [
        type(order)(**{**{f: getattr(order, f) for f in order.__struct_fields__}, "event_id": order.event_id[:-2] + "ff"})
        for order in orders[:5]
    ]
    return day, [*events, *again, *events[:200]]


def state(redis) -> dict:
    """What is counted, without the generation's number, its writers, its lists of the newest, and what only the present shows."""
    root = f"live:{generations.serving(redis)}:".encode()
    found = {}
    for key in redis.scan_iter(match=root + b"*"):
        kind = key.removeprefix(root).split(b":")[0]
        if kind in (b"rate", b"active", b"latest", b"partition"):
            continue
        name = key.removeprefix(root)
        match redis.type(key):
            case b"hash":
                found[name] = {field: value for field, value in redis.hgetall(key).items() if field != b"lag_ms"}
            case b"set":
                found[name] = redis.smembers(key)
            case b"zset":
                found[name] = redis.zrange(key, 0, -1, withscores=True)
            case _:
                found[name] = redis.pfcount(key)
    return found


def count_everything(world, sent):
    """Send and count it all; the consumer goes on, the archive is complete."""
    world.send([*sent[: len(sent) // 2], *POISON, *sent[len(sent) // 2 :]])
    consumer, archiver = world.start("consumer"), world.start("archiver", "--flush-seconds", "0.5")
    world.wait_applied()
    wait_until(lambda: '"lag":0' in beat(world) and '"gathered":0' in beat(world), what="everything archived")
    return consumer, archiver


def beat(world) -> str:
    path = world.settings.var_dir / "run" / "archiver.heartbeat"
    return path.read_text() if path.exists() else ""


def forget_log(world):
    """Retention takes every record of the topic."""
    admin = KafkaAdminClient(**world.settings.kafka_options)
    admin.delete_records({TopicPartition(world.settings.kafka_topic, number): -1 for number in range(world.settings.kafka_partitions)})
    admin.close()


def test_rebuilt_beside_the_serving_one_and_swapped(world, sent):
    day, events = sent
    consumer, _ = count_everything(world, events)
    before, old = state(world.redis), generations.serving(world.redis)
    told = []
    assert rebuild.rebuild(world.settings, lambda done, total: told.append((done, total))) == old + 1
    wait_until(lambda: world.log("consumer").count("the live state was rebuilt") == 4, what="the consumer in the new generation")
    assert state(world.redis) == before
    assert told[-1][0] == told[-1][1] == world.sent
    assert not list(world.redis.scan_iter(f"live:{old}:*"))
    assert world.snapshot("demo", day)["rebuild"] is None
    world.send(events[:1])
    world.wait_applied()
    assert state(world.redis)[f"day:demo:{day}".encode()][b"duplicates"] == b"%d" % (
        int(before[f"day:demo:{day}".encode()][b"duplicates"]) + 1
    )
    assert stop(consumer) == 0


def test_an_emptied_redis_is_filled_from_the_archive_and_kafka(world, sent):
    day, events = sent
    consumer, archiver = count_everything(world, events)
    assert stop(archiver) == 0
    world.send(events[-100:])
    world.wait_applied()
    wait_until(lambda: committed(world) == world.sent, what="the offsets told to Kafka")
    before, letters_before = state(world.redis), len(world.dead_letters())
    world.redis.flushall()
    wait_until(lambda: world.applied() == world.sent, what="everything counted again")
    assert "from the archive" in world.log("consumer")
    assert state(world.redis) == before
    assert len(world.dead_letters()) == letters_before
    wait_until(lambda: world.snapshot("demo", day)["rebuild"] is None, what="the rebuild's end")
    assert stop(consumer) == 0


def committed(world) -> int:
    admin = KafkaAdminClient(**world.settings.kafka_options)
    group = f"{world.settings.kafka_topic}.live"
    found = admin.list_group_offsets(group)
    admin.close()
    return sum(one.offset for one in found[group].values())


def test_the_archive_alone_is_enough_when_retention_took_the_log(world, sent):
    consumer, archiver = count_everything(world, sent[1])
    before = state(world.redis)
    assert (stop(consumer), stop(archiver)) == (0, 0)
    forget_log(world)
    world.redis.flushall()
    consumer = world.start("consumer")
    world.wait_applied()
    assert state(world.redis) == before
    assert stop(consumer) == 0


def test_what_neither_holds_is_refused_by_name(world, sent):
    world.send(sent[1][:200])
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    forget_log(world)
    world.redis.flushall()
    assert world.start("consumer").wait(60) == 1
    assert "the records between are gone from both" in world.log("consumer")
    beat = json.loads((world.settings.var_dir / "run" / "consumer.heartbeat").read_bytes())
    assert (beat["state"], beat["incident"]) == ("stopped", "offset_gone")


def test_a_rebuild_that_another_overtakes_leaves_the_serving_state(world, sent):
    consumer, _ = count_everything(world, sent[1][:500])
    before = state(world.redis)

    def overtaken(done, total):
        if generations.serving(world.redis) == 1 and world.redis.hget(keys.HEADER, "building") == b"2":
            generations.begin(world.redis)

    with pytest.raises((rebuild.RebuildError, live.StateError, live.Stale)):
        rebuild.rebuild(world.settings, overtaken)
    assert generations.serving(world.redis) == 1
    assert state(world.redis) == before
    assert stop(consumer) == 0


def test_without_the_dead_letters_refusals_would_be_missing(world, sent, monkeypatch):
    """Negative control: it is the dead-letter topic that gives the archive's refused records back."""
    consumer, _ = count_everything(world, sent[1][:300])
    before = state(world.redis)
    monkeypatch.setattr(letters, "refusals", lambda *_: {})
    rebuild.rebuild(world.settings)
    assert state(world.redis) != before
    assert stop(consumer) == 0
    assert stream
