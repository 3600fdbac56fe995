"""Reading the dead-letter topic: what was refused, why, and whether it was put back since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from ecommerce import stream
from ecommerce.config import NOBODY, Settings
from ecommerce.errors import PlatformError
from ecommerce.events import Reason
from ecommerce.live import Refusal
from ecommerce.shops import Shop

REPLAYED = b"replayed"
"""Key of the marks that say which letter was put back; everything else in the topic is a letter."""
POLL_MS, PATIENCE = 500, 60


class Letter(NamedTuple):
    """A refused record. ``id`` is its offset in the dead-letter topic; the place is that of the original."""

    id: int
    reason: str
    detail: str
    topic: str
    topic_id: str
    partition: int
    offset: int
    written_at: datetime
    size: int
    key: bytes | None
    value: bytes

    @property
    def truncated(self) -> bool:
        """Less is kept than came."""
        return self.size > len(self.value)


class Mark(NamedTuple):
    """A letter was put back."""

    letter: int
    at: datetime


def read(config: Settings, last: int | None = None) -> Iterator[Letter | Mark]:
    """Everything in the dead-letter topic, oldest first; ``last`` reads only so many records from its end.

    Raises:
        PlatformError: Kafka does not answer.
        kafka.errors.KafkaError: reading failed.
    """
    options = {**config.kafka_options, **stream.CONSUMER_OPTIONS, "fetch_min_bytes": 1}
    reader = KafkaConsumer(**options)
    try:
        place = TopicPartition(config.kafka_dlq_topic, 0)
        reader.assign([place])
        begin = reader.beginning_offsets([place], timeout_ms=10_000)[place]
        end = reader.end_offsets([place], timeout_ms=10_000)[place]
        reader.seek(place, begin if last is None else max(begin, end - last))
        silent = 0
        while (reader.position(place, timeout_ms=5000) or 0) < end:
            records = reader.poll(POLL_MS).get(place, [])
            yield from (_read(record) for record in records if record.offset < end)
            silent = 0 if records else silent + 1
            if silent > PATIENCE:
                raise PlatformError(f"{config.kafka_dlq_topic} at {config.kafka_bootstrap} does not give its records: is Kafka up?")
    finally:
        reader.close(autocommit=False, timeout_ms=5000)


def operator(config: Settings) -> Settings:
    """``config`` as Kafka's user ``operator``, who may read dead letters and put them back."""
    return config if config.kafka_user == NOBODY else replace(config, kafka_user="operator")


def refusals(config: Settings, log: stream.Log, shops: Mapping[str, Shop]) -> dict[int, list[Refusal]]:
    """The refused records of ``log`` by partition, each once, by offset, but for second events of an order.

    Raises:
        PlatformError, kafka.errors.KafkaError: Kafka does not answer.
    """
    found: dict[int, dict[int, Refusal]] = {}
    for letter in read(config):
        if isinstance(letter, Mark) or letter.reason == Reason.DUPLICATE_ORDER or letter.topic != log.topic:
            continue
        if letter.topic_id not in ("", log.topic_id):
            continue
        day = stream.shop_day_of_refused(letter.value, int(letter.written_at.timestamp() * 1000), shops)
        found.setdefault(letter.partition, {})[letter.offset] = Refusal(letter.offset, Reason(letter.reason), "", *(day or (None, None)))
    return {number: [refused[offset] for offset in sorted(refused)] for number, refused in found.items()}


def _read(record: Any) -> Letter | Mark:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    if record.key == REPLAYED and headers.get("reason") == "replayed":
        return Mark(int(headers["letter"]), _instant(record.timestamp))
    return Letter(
        id=record.offset,
        reason=headers.get("reason", "?"),
        detail=headers.get("detail", ""),
        topic=headers.get("topic", ""),
        topic_id=headers.get("topic_id", ""),
        partition=int(headers.get("partition", -1)),
        offset=int(headers.get("offset", -1)),
        written_at=_instant(int(headers.get("timestamp_ms", record.timestamp))),
        size=int(headers.get("size", len(record.value or b""))),
        key=record.key,
        value=record.value or b"",
    )


def _instant(milliseconds: int) -> datetime:
    return stream.written_at(milliseconds)
