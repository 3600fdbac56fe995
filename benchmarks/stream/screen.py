"""From an event's sending to the frame of the live page that shows it, over the whole platform: Kafka, consumer, Redis, hub, socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from contextlib import contextmanager
from datetime import UTC, datetime

from kafka import KafkaProducer
from websockets.exceptions import ConnectionClosed

from benchmarks.stream import extras, traffic
from benchmarks.stream.rows import say
from benchmarks.stream.world import BenchError, World
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.events import encode
from ecommerce.local import apps, servers
from ecommerce.local.server import wait_ready

MANAGE = PROJECT_DIR / "django_app" / "manage.py"
WARM_SECONDS = 2.0


@contextmanager
def dashboard(environment: dict[str, str], settings: Settings):
    """A dashboard on a warehouse of its own; yields its address."""
    for arguments in (["migrate", "--database", "owner", "-v", "0"], ["collectstatic", "--noinput", "-v", "0"]):
        subprocess.run([sys.executable, str(MANAGE), *arguments], env=environment, check=True, capture_output=True)
    server = apps.django_server(settings)
    environment = {**environment, **server.env}
    process = subprocess.Popen(server.command, env=environment, cwd=server.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(server, 60, alive=lambda: process.poll() is None)
        yield settings.public_url
    finally:
        extras.stop([process])


def latencies(world: World, rates: list[int], seconds: float) -> dict[int, tuple[float, float]]:
    """At each rate, p50 and p99 in milliseconds from handing an event to the producer to the frame that counts it."""
    topic = world.topic("screen")
    environment = world.environment(topic, 0)
    with servers.running(topic, "postgres"), dashboard(environment, topic) as address:
        world.redis.flushall()
        consumer = extras.start_consumer(world, topic, "bench")
        try:
            browser = _browser(environment, address)
            sent = _send(topic, 100, 1)  # the consumer has joined its group when these are counted
            extras.wait_applied(world, len(sent), [consumer])
            return {rate: _one_rate(world, browser, topic, rate, seconds) for rate in rates}
        finally:
            extras.stop([consumer])


def _browser(environment: dict[str, str], address: str):
    """The browser of the tests, signed in."""
    sys.path.insert(0, str(PROJECT_DIR / "tests" / "integration"))
    import web

    os.environ.update(environment)
    return web.Browser(address).sign_in()


def _one_rate(world: World, browser, topic: Settings, rate: int, seconds: float) -> tuple[float, float]:
    base, frames = extras.applied(world), []
    with browser.live("demo") as socket:
        listener = threading.Thread(target=_listen, args=(socket, frames), daemon=True)
        listener.start()
        sent = _send(topic, rate, seconds + WARM_SECONDS)
        extras.wait_applied(world, base + len(sent), [])
        deadline = time.monotonic() + 10
        while (not frames or frames[-1][1] < base + len(sent)) and time.monotonic() < deadline:
            time.sleep(0.02)
    shown = [received for _, received in frames]
    if not frames or shown[-1] < base + len(sent):
        raise BenchError(f"the page shows {shown[-1] if shown else 0} of {base + len(sent)} events")
    first = int(rate * WARM_SECONDS)
    waits = sorted((frames[bisect_left(shown, base + n + 1)][0] - sent[n]) * 1000 for n in range(first, len(sent)))
    result = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    say(f"{rate} events/s: on the screen after {result[0]:.0f} ms (p50), {result[1]:.0f} ms (p99)")
    return result


def _listen(socket, frames: list[tuple[float, int]]) -> None:
    """When each frame came and how many events it counts; every frame is acknowledged at once."""
    try:
        while True:
            message = json.loads(socket.recv())
            if "snapshot" in message:
                frames.append((time.monotonic(), message["snapshot"]["totals"]["received"]))
            if "key" in message:
                socket.send(json.dumps({"ack": message["key"]}))
    except ConnectionClosed:
        return


def _send(topic: Settings, rate: int, seconds: float) -> list[float]:
    """When each event was handed to a producer with the platform's own settings."""
    events = [(event, event.key) for event in traffic.events(int(rate * seconds), traffic.Mix(), seed=rate)]
    producer = KafkaProducer(**topic.kafka_options, acks="all", compression_type="zstd", linger_ms=20)
    sent, began = [], time.monotonic()
    for number, (event, key) in enumerate(events):
        ahead = began + number / rate - time.monotonic()
        if ahead > 0.001:
            time.sleep(ahead)
        event.event_time = datetime.now(UTC)
        sent.append(time.monotonic())
        producer.send(topic.kafka_topic, encode(event), key)
    producer.flush()
    producer.close()
    return sent
