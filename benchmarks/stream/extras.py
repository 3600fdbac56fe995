"""What else is asked of the stream: growth, catching up, several consumers, the producer."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace

from benchmarks.stream import traffic
from benchmarks.stream.rows import say
from benchmarks.stream.world import BenchError, Result, World
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.live import keys

DOWN_SECONDS, LIVE_RATE = 600, 2_000
SIZES = {
    "the simulated shop as it is": traffic.Mix(),
    "10 shops": traffic.Mix(shops=10),
    "100 shops": traffic.Mix(shops=100),
    "1,000 products": traffic.Mix(products=1_000),
    "100,000 products": traffic.Mix(products=100_000),
    "visitors drawn from 10,000": traffic.Mix(visitors=10_000),
    "visitors drawn from 1,000,000": traffic.Mix(visitors=1_000_000),
}


def growth(world: World, count: int) -> dict[str, tuple[Result, float]]:
    """Cost of ``count`` events of each of SIZES, and MiB that Redis holds afterwards."""
    found = {}
    for number, (name, mix) in enumerate(SIZES.items()):
        topic = world.filled(f"growth-{number}", count, mix)
        result = world.run(topic, count, "ours")
        found[name] = result, world.redis.info("memory")["used_memory_dataset"] / 2**20
        world.drop(topic)
        say(f"{name}: {result.cost:.2f} + {result.redis_cost:.2f} µs, {found[name][1]:.1f} MiB")
    return found


def applied(world: World) -> int:
    """Records that the live state has moved past."""
    names, pipe = keys.Keys(int(world.redis.hget(keys.HEADER, "generation") or 0)), world.redis.pipeline(transaction=False)
    for number in range(world.settings.kafka_partitions):
        pipe.hget(names.partition(number), "next")
    return sum(int(offset or 0) for offset in pipe.execute())


def start_consumer(world: World, topic: Settings, name: str) -> subprocess.Popen:
    command = [sys.executable, str(PROJECT_DIR / "kafka_scripts" / "consumer.py"), "--name", name]
    return subprocess.Popen(command, env=world.environment(topic, 0), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(30)


def wait_applied(world: World, wanted: int, processes: list[subprocess.Popen]) -> None:
    """Return when ``wanted`` records are applied.

    Raises:
        BenchError: a consumer ended, or nothing moved for half a minute.
    """
    before, since = -1, time.monotonic()
    while (now := applied(world)) < wanted:
        if now > before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > 30 or any(process.poll() is not None for process in processes):
            raise BenchError(f"consumers stopped at {now} of {wanted} records")
        time.sleep(0.02)


def catch_up(world: World, topic: Settings, filled: int) -> tuple[int, float]:
    """Backlog in records (ten minutes' of a topic of a million, else the topic), and seconds until a consumer that starts now is level with a producer that goes on at 2,000/s."""
    backlog = DOWN_SECONDS * LIVE_RATE if filled >= 1_000_000 else filled
    if backlog > filled:
        traffic.fill(topic, topic.kafka_topic, traffic.events(backlog - filled, traffic.Mix(), seed=8))
    world.redis.flushall()
    sent, ended = [backlog], threading.Event()
    producer = threading.Thread(target=_go_on, args=(topic, sent, ended))
    producer.start()
    began, consumer = time.monotonic(), start_consumer(world, topic, "bench")
    try:
        while applied(world) < sent[0] - LIVE_RATE // 10:
            if consumer.poll() is not None:
                raise BenchError("the consumer ended while it caught up")
            time.sleep(0.02)
        return backlog, time.monotonic() - began
    finally:
        ended.set()
        producer.join()
        stop([consumer])


def _go_on(topic: Settings, sent: list[int], ended: threading.Event) -> None:
    """2,000 events a second until ``ended``; ``sent`` holds what is acknowledged."""
    with closing(traffic.connected(topic)) as producer:
        while not ended.is_set():
            began = time.monotonic()
            sent[0] += traffic.send(producer, topic.kafka_topic, traffic.events(LIVE_RATE // 4, traffic.Mix(), seed=9))
            ended.wait(max(0.0, 0.25 - (time.monotonic() - began)))


def together(world: World, topic: Settings, count: int) -> dict[int, float]:
    """Events a second that one to four consumers apply of four partitions, from the first record to the last."""
    found = {}
    for number in range(1, 5):
        world.redis.flushall()
        own = replace(topic, var_dir=world.settings.var_dir / f"together-{number}", secrets_dir=topic.secrets_dir)
        processes = [start_consumer(world, own, f"bench-{number}-{index}") for index in range(number)]
        try:
            wait_applied(world, 1, processes)
            began, before = time.monotonic(), applied(world)
            wait_applied(world, count, processes)
            found[number] = (applied(world) - before) / (time.monotonic() - began)
        finally:
            stop(processes)
        say(f"{number} consumers: {found[number]:,.0f} events/s")
    return found


def producer(world: World, seconds: float, rounds: int) -> list[float]:
    """Events a second that one producer process simulates, sends and has acknowledged, as it says itself."""
    found = []
    for number in range(rounds):
        topic = world.topic(f"producer-{number}")
        command = [sys.executable, str(PROJECT_DIR / "kafka_scripts" / "producer.py"), "--rate", "1000000", "--seconds", str(seconds)]
        done = subprocess.run(command, env=world.environment(topic, 0), capture_output=True, text=True, timeout=seconds + 60)
        said = re.search(r"acknowledged \(([\d,.]+) events/s\), 0 not acknowledged", done.stderr)
        if done.returncode or not said:
            raise BenchError(f"the producer failed:\n{done.stderr[-2000:]}")
        found.append(float(said[1].replace(",", "")))
        world.drop(topic)
        say(f"producer: {found[-1]:,.0f} events/s")
    return found
