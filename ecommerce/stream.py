"""What the readers of the events topic share: connecting, the identity of the log, one verdict on a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError
from kafka.protocol.consumer import IsolationLevel, OffsetSpec

from ecommerce import events
from ecommerce.config import Settings
from ecommerce.events import Event, Refused
from ecommerce.shops import Shop

KAFKA_AWAY = (KafkaError, OSError)

CONSUMER_OPTIONS: dict[str, Any] = {
    # Positions are kept with the results; Kafka's commits only inform, and a lost position is an incident.
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    # Half the latency of a timer of our own at a quarter of the CPU of fetching at once (docs/streaming.md).
    "fetch_min_bytes": 1 << 20,
    "fetch_max_wait_ms": 50,
    "max_poll_records": 5000,
    "allow_auto_create_topics": False,
    "bootstrap_timeout_ms": 5000,
    "session_timeout_ms": 10_000,
}


class Log(NamedTuple):
    """One topic of one cluster, told apart from a later one of the same name."""

    cluster_id: str
    topic: str
    topic_id: str
    partitions: int


def describe_log(settings: Settings, topic: str) -> Log:
    """The log behind ``topic``.

    Raises:
        kafka.errors.KafkaError: Kafka does not answer, or has no such topic.
    """
    with _admin(settings) as client:
        (found,) = client.describe_topics([topic])
        if found["error_code"]:
            raise UnknownTopicOrPartitionError(f"topic {topic} is not there yet (error {found['error_code']})")
        return Log(client.describe_cluster()["cluster_id"], topic, str(found["topic_id"]), len(found["partitions"]))


def ends(settings: Settings, partitions: Iterable[TopicPartition]) -> dict[int, int]:
    """The offset at which each partition's committed records end, asked with a client of its own.

    Raises:
        kafka.errors.KafkaError: Kafka does not answer.
    """
    with _admin(settings) as client:
        wanted = dict.fromkeys(partitions, OffsetSpec.LATEST)
        found = client.list_partition_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED) if wanted else {}
        return {partition.partition: place.offset for partition, place in found.items()}


def _admin(settings: Settings) -> closing[KafkaAdminClient]:
    """A client for one question."""
    return closing(KafkaAdminClient(**settings.kafka_options, bootstrap_timeout_ms=5000, request_timeout_ms=5000))


def read(raw: bytes | None, timestamp_ms: int, shops: Mapping[str, Shop]) -> Event:
    """The valid event in a record's value.

    "Now" is when the record was written, as Kafka says, so that reading it again gives the same verdict. The time
    of an event from a clock that is off is put right by ``sent_at``.

    Raises:
        Refused: it is no event of the contract, or not a valid one.
    """
    written = written_at(timestamp_ms)
    event = events.corrected(events.decode(raw or b""), written)
    events.validate(event, shops, written)
    return event


def written_at(timestamp_ms: int) -> datetime:
    """When the record was written, never later than now; now where Kafka does not say."""
    now = datetime.now(UTC)
    return min(now, datetime.fromtimestamp(timestamp_ms / 1000, UTC)) if timestamp_ms > 0 else now


class _Address(msgspec.Struct):
    shop_id: str
    event_time: datetime | None = None


class _Shop(msgspec.Struct):
    shop_id: str


_address, _shop = msgspec.json.Decoder(_Address), msgspec.json.Decoder(_Shop)


def shop_day_of_refused(raw: bytes | None, timestamp_ms: int, shops: Mapping[str, Shop]) -> tuple[str, str] | None:
    """Shop and shop-day (YYYY-MM-DD) in which a refused record counts, None where its shop is not known.

    The day is that of its time, or of its arrival where the time is missing, malformed or in the future.
    """
    if raw is None or len(raw) > events.MAX_BYTES:
        return None
    arrival = written_at(timestamp_ms)
    try:
        found = _address.decode(raw)
        shop_id, time = found.shop_id, found.event_time
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            shop_id, time = _shop.decode(raw).shop_id, None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    shop = shops.get(shop_id)
    if shop is None:
        return None
    sound = time is not None and time.tzinfo is not None and events.EARLIEST <= time <= arrival + events.MAX_FUTURE
    return shop_id, shop.day_of(time if sound and time else arrival).isoformat()


__all__ = [
    "CONSUMER_OPTIONS",
    "KAFKA_AWAY",
    "Log",
    "Refused",
    "describe_log",
    "ends",
    "read",
    "shop_day_of_refused",
    "written_at",
]
