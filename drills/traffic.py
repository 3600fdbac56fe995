"""Seeded traffic, and the log of what Kafka acknowledged of it."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
from kafka import KafkaProducer

from ecommerce import shops, simulator
from ecommerce.config import Settings
from ecommerce.events import Event, encode

SEED = 7
SHOPS = ("demo", "uci", "rees46")
FIRST_DAY = date(2025, 3, 30)
"""A change to daylight-saving time in two of the shops' zones."""
ON_THE_WAY = 20_000
OPTIONS: dict[str, Any] = {"acks": "all", "enable_idempotence": True, "linger_ms": 20, "batch_size": 128 << 10, "max_block_ms": 60_000}


class Refusal(NamedTuple):
    """What must become of a record that is no valid event: its reason, and the shop-day in which that counts.

    ``day`` is YYYY-MM-DD, or empty for the day on which it arrives; ``shop_id`` is empty where no shop can be known.
    """

    reason: str
    shop_id: str = ""
    day: str = ""


class Record(NamedTuple):
    """A Kafka record to send; ``refusal`` is None for a valid event."""

    key: bytes
    value: bytes
    refusal: Refusal | None = None


class Acked(NamedTuple):
    """A record that Kafka acknowledged, and where it stands in the log; ``timestamp`` in milliseconds since 1970."""

    partition: int
    offset: int
    timestamp: int
    value: bytes
    refusal: Refusal | None = None


def shop_days(first: date = FIRST_DAY) -> Iterator[Event]:
    """The simulated days of three shops from ``first`` on, without end, each day in time order."""
    for days in count():
        day = first + timedelta(days=days)
        yield from heapq.merge(*(simulator.day_events(shop, day, SEED) for shop in map(shops.shop, SHOPS)), key=lambda e: e.event_time)


def records(events: Iterable[Event]) -> Iterator[Record]:
    """Each event as it travels."""
    for event in events:
        yield Record(event.key, encode(event))


class Sender(threading.Thread):
    """Sends records to Kafka, ``rate`` a second (0: as fast as it can), and appends each acknowledged one to ``log``.

    It ends after ``limit`` records (0: never) or at :meth:`stop`.
    """

    def __init__(self, settings: Settings, source: Iterable[Record], log: Path, limit: int = 0, rate: float = 0) -> None:
        super().__init__(daemon=True)
        self._topic, self._log, self._rate = settings.kafka_topic, log, rate
        self._source = islice(source, limit or None)
        self._producer = KafkaProducer(**settings.kafka_options, **OPTIONS)
        self._stopping = threading.Event()
        self._waiting: deque[tuple[Any, Record]] = deque()
        self.acked, self.error = 0, None

    def run(self) -> None:
        try:
            with self._log.open("ab", buffering=1 << 20) as log:
                self._send(log)
                self._producer.flush()
                self._collect(log, 0)
        except Exception as error:  # shown by the drill, which waits in another thread
            self.error = error
        finally:
            self._producer.close(timeout=5)

    def _send(self, log) -> None:
        began = time.monotonic()
        for number, record in enumerate(self._source):
            if self._stopping.is_set():
                return
            if self._rate and (ahead := began + number / self._rate - time.monotonic()) > 0.005:
                self._stopping.wait(ahead)
            self._waiting.append((self._producer.send(self._topic, key=record.key, value=record.value), record))
            self._collect(log, ON_THE_WAY)

    def _collect(self, log, allowed: int) -> None:
        """Log what was acknowledged; wait while more than ``allowed`` are on their way."""
        waiting = self._waiting
        while waiting and (waiting[0][0].is_done or len(waiting) > allowed):
            future, record = waiting.popleft()
            place = future.get(timeout=120)
            log.write(msgpack.packb((place.partition, place.offset, place.timestamp, record.value, record.refusal)))
            self.acked += 1

    def stop(self) -> None:
        """Send no more; what is on its way is still waited for."""
        self._stopping.set()

    def acknowledged(self) -> Iterator[Acked]:
        """The acknowledged records in the order in which they were sent."""
        with self._log.open("rb") as log:
            for partition, offset, timestamp, value, refusal in msgpack.Unpacker(log, raw=False):
                yield Acked(partition, offset, timestamp, value, Refusal(*refusal) if refusal else None)

    def lost(self) -> list[str]:
        """Nothing: what this sends and what it logs are one."""
        return []
