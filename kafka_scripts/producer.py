"""Send shop events to Kafka: simulated live traffic, or a day of the lake again. Every event is kept until acknowledged."""

from __future__ import annotations

import argparse
import logging
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
from kafka import KafkaProducer
from kafka.codec import has_zstd
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner.default import murmur2

from ecommerce import heartbeats, replay, simulator
from ecommerce.config import ConfigError, Settings, settings
from ecommerce.events import MAX_BYTES, Event, encode
from ecommerce.lake import LakeError
from ecommerce.shops import shop as find_shop
from ecommerce.worker import Stopped, Worker, collect_seldom, one_line

MAX_PENDING_BYTES, RECORD_OVERHEAD = 32 << 20, 1024
MAX_ATTEMPTS = 10
PAUSE_AFTER, STOP_SECONDS, TICK = 2.0, 10.0, 0.02
TTY_SECONDS, LINE_SECONDS = 0.5, 10.0
PRODUCER_OPTIONS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": "zstd" if has_zstd() else "gzip",
    "batch_size": 256 << 10,
    "allow_auto_create_topics": False,
    "bootstrap_timeout_ms": 3_000,
    "max_block_ms": 3_000,
    "delivery_timeout_ms": 2**31 - 1,  # a broker that is away for an hour loses nothing: the sender pauses instead
    "metrics_enabled": False,
}
LINGER_MS, BULK_LINGER_MS, BULK_RATE = 20, 50, 10_000
"""Traffic is on the screen soon; more than BULK_RATE events a second go in fuller batches, a third cheaper each."""


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own clients put ``key``; kept, for it costs more than the rest of sending."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class Unsendable(Exception):
    """An event was refused for good; what and why."""


class _Sent(NamedTuple):
    """An event on its way: its future, when it was handed over, and how often before."""

    event_id: str
    key: bytes
    value: bytes
    future: Any
    at: float
    sent_ms: int
    attempts: int


class Outbox:
    """Hands events to Kafka and keeps each until it is acknowledged, at most 32 MiB of them.

    An event that Kafka reports as failed is sent again under its own event_id, which consumers count once.
    """

    def __init__(self, worker: Worker, config: Settings, ack_log: IO[bytes] | None = None, linger_ms: int = LINGER_MS) -> None:
        self._worker, self._topic, self._ack_log = worker, config.kafka_topic, ack_log
        self._name = config.kafka_name
        options = {**config.kafka_options, **PRODUCER_OPTIONS, "linger_ms": linger_ms}
        self._kafka = worker.wait_for(config.kafka_awaited, lambda: KafkaProducer(**options), (KafkaError, OSError))
        what = f"topic {self._topic} (`make up` creates it)"
        self._partitions = len(worker.wait_for(what, lambda: self._kafka.partitions_for(self._topic), (KafkaError,)))
        self._pending: deque[_Sent] = deque()
        self._bytes = 0
        self.acknowledged = self.errors = 0

    @property
    def pending(self) -> int:
        """Events that are not acknowledged yet."""
        return len(self._pending)

    def send(self, event: Event) -> None:
        """Take ``event``; waits while the broker does not acknowledge or too much is on its way.

        Raises:
            Stopped: the worker was asked to stop while it waited; the event was not taken.
            Unsendable: the event is larger than the contract allows, or an earlier one failed for good.
        """
        event.sent_at = datetime.now(UTC)
        value = encode(event)
        if len(value) > MAX_BYTES:
            raise Unsendable(f"event {event.event_id} has {len(value)} bytes; at most {MAX_BYTES} can be sent")
        self._wait_for_room()
        self._post(event.event_id, event.key, value, int(event.sent_at.timestamp() * 1000), 1)

    def collect(self) -> None:
        """Note what was acknowledged since, and send again what failed."""
        pending, log = self._pending, self._ack_log
        while pending and pending[0].future.is_done:
            sent = pending.popleft()
            self._bytes -= len(sent.value) + RECORD_OVERHEAD
            if not sent.future.succeeded():
                self._again(sent)
                continue
            self.acknowledged += 1
            if log:
                place = sent.future.value
                log.write(msgspec.json.encode({"event_id": sent.event_id, "partition": place.partition, "offset": place.offset}) + b"\n")

    def finish(self, beat: Callable[[], None]) -> None:
        """Wait until all is acknowledged; once the worker is asked to stop, ten seconds at most."""
        deadline = None
        while self._pending and (deadline is None or time.monotonic() < deadline):
            if self._worker.stopping and deadline is None:
                deadline = time.monotonic() + STOP_SECONDS
            time.sleep(TICK)
            self.collect()
            beat()
        with suppress(KafkaTimeoutError):  # what stays unacknowledged is in the last line and the exit code
            self._kafka.close(timeout=0 if self._pending else 5)
        if self._ack_log:
            self._ack_log.flush()

    def _post(self, event_id: str, key: bytes, value: bytes, sent_ms: int, attempts: int) -> None:
        """``sent_ms``: when it was first handed over; sent again later it keeps that, or its clock would look skewed."""
        partition = partition_of(key, self._partitions)
        try:
            future = self._kafka.send(self._topic, value, key, partition=partition, timestamp_ms=sent_ms)
        except (KafkaError, ValueError):
            future = self._worker.wait_for(
                self._name, lambda: self._kafka.send(self._topic, value, key, timestamp_ms=sent_ms), (KafkaError,)
            )
        self._pending.append(_Sent(event_id, key, value, future, time.monotonic(), sent_ms, attempts))
        self._bytes += len(value) + RECORD_OVERHEAD

    def _again(self, sent: _Sent) -> None:
        self.errors += 1
        if sent.attempts == MAX_ATTEMPTS:
            raise Unsendable(f"event {sent.event_id} failed {MAX_ATTEMPTS} times, at last with {one_line(sent.future.exception)}")
        self._worker.pause(TICK * sent.attempts)
        self._post(sent.event_id, sent.key, sent.value, sent.sent_ms, sent.attempts + 1)

    def _wait_for_room(self) -> None:
        self.collect()
        said = 0.0
        while self._pending and (self._bytes > MAX_PENDING_BYTES or time.monotonic() - self._pending[0].at > PAUSE_AFTER):
            if not said and time.monotonic() - self._pending[0].at > PAUSE_AFTER:
                said = time.monotonic()
                self._worker.say(f"{self._name} does not acknowledge: paused, {self.pending} events wait")
                self._worker.beat(state=f"waiting for {self._name}")
            self._worker.pause(TICK)
            if self._worker.stopping:
                raise Stopped("asked to stop while waiting for acknowledgements")
            self.collect()
        if said:
            self._worker.say(f"{self._name} acknowledges again after {time.monotonic() - said:.1f} s: going on")
            self._worker.beat(state="running")


class Progress:
    """Says how it goes: one line that changes on a terminal, else a line each ten seconds; and in the heartbeat."""

    def __init__(self, worker: Worker, outbox: Outbox) -> None:
        self._worker, self._outbox = worker, outbox
        self._tty = sys.stderr.isatty()
        self._began = self._last = time.monotonic()
        self._last_total, self._next_look = 0, 0.0

    def tick(self) -> None:
        """Report if it is time to."""
        now, box = time.monotonic(), self._outbox
        if now < self._next_look:
            return None
        self._next_look = now + TICK
        if now - self._last < (TTY_SECONDS if self._tty else LINE_SECONDS):
            return self._worker.beat(total=box.acknowledged, waiting=box.pending, errors=box.errors)
        rate = (box.acknowledged - self._last_total) / (now - self._last)
        self._last, self._last_total = now, box.acknowledged
        self._worker.beat(rate=round(rate, 1), total=box.acknowledged, waiting=box.pending, errors=box.errors)
        line = f"{rate:,.1f} events/s, {box.acknowledged:,} acknowledged, {box.pending} waiting, {box.errors} errors"
        if self._tty:
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
        else:
            self._worker.say(line)

    def end(self) -> None:
        """The last line."""
        box, seconds = self._outbox, max(time.monotonic() - self._began, 0.001)
        if self._tty:
            print(file=sys.stderr)
        self._worker.say(
            f"stopped after {seconds:.1f} s: {box.acknowledged:,} acknowledged ({box.acknowledged / seconds:,.1f} events/s), "
            f"{box.pending} not acknowledged, {box.errors} errors"
        )


def traffic(arguments: argparse.Namespace, config: Settings, wait: Callable[[float], object]) -> Iterator[Event]:
    """The events that the arguments ask for; ``wait`` sleeps and is true when it is time to stop.

    Raises:
        ConfigError: the shop is unknown.
        ReplayError: the lake's day cannot be streamed.
    """
    shop = find_shop(arguments.shop)
    if not arguments.from_lake:
        return simulator.stream(shop, arguments.seed, arguments.rate, wait)
    source = replay.choose_source(config, shop.shop_id, arguments.date, arguments.source)
    events = replay.day_events(config.lake_dir, source, shop.shop_id, arguments.date)
    return events if arguments.speed is None else paced(events, arguments.speed, wait)


def paced(events: Iterator[Event], speed: float, wait: Callable[[float], object]) -> Iterator[Event]:
    """``events`` at ``speed`` times the pace of their own times."""
    began, first = time.monotonic(), None
    for event in events:
        first = first or event.event_time
        ahead = began + (event.event_time - first).total_seconds() / speed - time.monotonic()
        if ahead > 0 and wait(ahead):
            return
        yield event


def produce(worker: Worker, arguments: argparse.Namespace, config: Settings, ack_log: IO[bytes] | None) -> int:
    """Send until the events, the time or the worker ends.

    Returns:
        The exit code: 0 if everything taken was acknowledged.
    """

    def wait(seconds: float) -> bool:
        end = min(time.monotonic() + seconds, deadline)
        while not worker.stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            outbox.collect()
            progress.tick()
        return worker.stopping or time.monotonic() >= deadline

    events = traffic(arguments, config, wait)
    bulk = arguments.from_lake or arguments.rate > BULK_RATE
    outbox = Outbox(worker, config, ack_log, BULK_LINGER_MS if bulk else LINGER_MS)
    progress = Progress(worker, outbox)
    deadline = time.monotonic() + (arguments.seconds or float("inf"))
    worker.beat(state="running")
    collect_seldom()
    try:
        for event in events:
            outbox.send(event)
            progress.tick()
            if worker.stopping or time.monotonic() >= deadline:
                break
    except Stopped as reason:
        worker.say(str(reason))
    finally:
        outbox.finish(progress.tick)
        progress.end()
    if outbox.pending:
        return 1
    worker.beat(state=heartbeats.ENDED)
    return 0


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def speed(text: str) -> float | None:
    """None for ``max``; 60.0 for ``60x``."""
    if text == "max":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x", text)
    if match is None or not float(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is neither max nor a factor such as 60x")
    return float(match[1])


def parse(argv: list[str] | None, config: Settings) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", default=config.producer_shop, help="shop id (default: %(default)s)")
    parser.add_argument("--seconds", type=positive, help="stop after so many seconds (default: never)")
    parser.add_argument("--ack-log", type=Path, metavar="FILE", help="append each acknowledged event_id with its place, as JSON lines")
    live = parser.add_argument_group("simulated traffic")
    live.add_argument("--rate", type=positive, help=f"events per second (default: {config.producer_rate:g})")
    live.add_argument("--seed", type=int, help=f"seed of the simulated shop (default: {config.seed})")
    stored = parser.add_argument_group("a day of the lake")
    stored.add_argument("--from-lake", action="store_true", help="stream a day of the lake instead")
    stored.add_argument("--date", type=date.fromisoformat, help="the day, YYYY-MM-DD")
    stored.add_argument("--source", help="which source's rows (default: the authoritative one)")
    stored.add_argument("--speed", type=speed, default=None, help="max, or a factor of the day's own pace such as 60x (default: max)")
    arguments = parser.parse_args(argv)
    if arguments.from_lake and arguments.date is None:
        parser.error("--from-lake needs --date")
    if arguments.from_lake and (arguments.rate or arguments.seed is not None):
        parser.error("--rate and --seed belong to simulated traffic; with --from-lake use --speed")
    if not arguments.from_lake and (arguments.date or arguments.source or arguments.speed):
        parser.error("--date, --source and --speed belong to --from-lake")
    arguments.rate = arguments.rate or config.producer_rate
    arguments.seed = config.seed if arguments.seed is None else arguments.seed
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 all acknowledged, 1 not all or failed, 2 wrong arguments or settings."""
    try:
        config = settings()
        arguments = parse(argv, config)
        find_shop(arguments.shop)
    except ConfigError as error:
        print(f"producer: {error}", file=sys.stderr)
        return 2
    endless = not arguments.from_lake and arguments.seconds is None
    name = "producer" if endless else "producer-once"
    worker = Worker.of(config, name).start()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the outbox itself says when the broker is away and when it is back
    ack_log = arguments.ack_log.open("ab") if arguments.ack_log else None
    try:
        return produce(worker, arguments, config, ack_log)
    except Stopped:
        worker.beat(state=heartbeats.ENDED)
        return 0
    except (replay.ReplayError, LakeError, Unsendable, ConfigError) as error:
        worker.say(str(error))
        return 1
    finally:
        if ack_log:
            ack_log.close()


if __name__ == "__main__":
    sys.exit(main())
