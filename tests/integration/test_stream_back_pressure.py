"""Redis frozen under a backlog: the consumer pauses, says so, stays small, and counts everything when Redis is back."""

import json
import os
import signal
from contextlib import ExitStack
from datetime import UTC, datetime

import psutil
import pytest
from shop_events import event
from stream_world import own_world, stop, wait_until

from ecommerce import shops
from ecommerce.local import servers

pytestmark = pytest.mark.servers

RECORDS, MOST_MIB = 40_000, 300


def test_a_frozen_redis_pauses_the_consumer_within_its_memory(kafka, tmp_path):
    settings = servers.isolated_settings(tmp_path / "redis")
    now = datetime.now(UTC)
    with ExitStack() as stack:
        redis = stack.enter_context(servers.started(settings, "redis"))
        world = stack.enter_context(own_world(kafka, tmp_path, settings))
        consumer = world.start("consumer")
        world.send(event(event_time=now, client_id=f"v{n}", page="/" + "x" * 480) for n in range(RECORDS // 10))
        world.wait_applied()
        os.kill(redis.pid, signal.SIGSTOP)
        world.send(event(event_time=now, client_id=f"v{n}", page="/" + "x" * 480) for n in range(RECORDS * 9 // 10))
        process, beat = psutil.Process(consumer.pid), world.settings.var_dir / "run" / "consumer.heartbeat"
        wait_until(lambda: json.loads(beat.read_bytes())["state"].startswith("waiting for Redis"), what="the consumer to wait for Redis")
        frozen = process.memory_info().rss >> 20
        os.kill(redis.pid, signal.SIGCONT)
        world.wait_applied()
        after = process.memory_info().rss >> 20
        wait_until(lambda: json.loads(beat.read_bytes()).get("lag") == 0, what="a lag of 0 shown")
        assert stop(consumer) == 0
        day = shops.shop("demo").day_of(now)
        assert world.snapshot("demo", day)["totals"]["counted"] == RECORDS
        print(f"consumer: {frozen} MiB while Redis was frozen, {after} MiB after {RECORDS:,} records")
        assert max(frozen, after) < MOST_MIB
