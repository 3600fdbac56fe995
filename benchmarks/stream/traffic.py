"""The events of the benchmark: visits of the simulated shop, interleaved, at even distances of time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zlib import crc32

import msgspec
from kafka import KafkaProducer
from uuid_utils import uuid7

from ecommerce import shops
from ecommerce.config import Settings
from ecommerce.events import Event, Item, encode
from ecommerce.simulator.live import Traffic
from ecommerce.simulator.visits import event_of

PER_SECOND = 2_000


@dataclass(frozen=True)
class Mix:
    """How many different shops, products and visitors; None: as many as the simulated shop makes of itself."""

    shops: int | None = None
    products: int | None = None
    visitors: int | None = None


def shops_file(count: int) -> str:
    """shops.toml of the demo shop and as many more."""
    return "".join(f'["{name}"]\nname = "{name}"\ntime_zone = "Europe/Berlin"\ncurrency = "EUR"\n' for name in shop_ids(count))


def shop_ids(count: int) -> list[str]:
    return ["demo", *(f"shop-{number:03d}" for number in range(1, count))]


def events(count: int, mix: Mix, seed: int = 7) -> Iterator[Event]:
    """``count`` events, 2,000 for each second of event time, the last of them now."""
    demo, rng = shops.Shop("demo", "demo", "Europe/Berlin", "EUR"), Random(seed)
    traffic, ids = Traffic(demo, seed, PER_SECOND), shop_ids(mix.shops or 1)
    begin, step = datetime.now(UTC) - timedelta(seconds=count / PER_SECOND), timedelta(seconds=1 / PER_SECOND)
    for number in range(count):
        visitor, session_id, what = traffic.step()
        event = event_of(demo, visitor, session_id, what, str(uuid7()), begin + number * step)
        if mix.shops:
            event.shop_id = ids[crc32(session_id.encode()) % len(ids)]
        if mix.visitors:
            event.client_id = f"visitor-{rng.randrange(mix.visitors):07d}"
        if mix.products:
            event.items = [_variant(item, rng.randrange(mix.products)) for item in event.items]
        yield event


def _variant(item: Item, number: int) -> Item:
    return msgspec.structs.replace(item, item_id=f"SKU-{number:06d}", item_name=f"{item.item_name} {number}")


def connected(settings: Settings) -> KafkaProducer:
    """A producer for :func:`send`; close it."""
    return KafkaProducer(**settings.kafka_options, acks="all", compression_type="zstd", linger_ms=50, batch_size=256 << 10)


def send(producer: KafkaProducer, topic: str, made: Iterator[Event]) -> int:
    """Send ``made`` to ``topic``, one visitor's events to one partition; the number of events when all are acknowledged."""
    partitions = len(producer.partitions_for(topic))
    sent, failed = 0, []
    for event in made:
        key = event.key
        producer.send(topic, encode(event), key, partition=crc32(key) % partitions).add_errback(failed.append)
        sent += 1
    producer.flush()
    if failed:
        raise failed[0]
    return sent


def fill(settings: Settings, topic: str, made: Iterator[Event]) -> int:
    """The same with a producer of its own."""
    with closing(connected(settings)) as producer:
        return send(producer, topic, made)
