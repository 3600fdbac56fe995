"""The dead-letter topic: each refused record as it came, with headers that say why and whence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from kafka import KafkaProducer

from ecommerce.config import Settings

LARGEST = 900_000
"""Bytes of a refused record that are kept; Kafka's own limit for one message is 1 MiB."""


class DeadRecord(NamedTuple):
    """A refused record as it stands in its topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class DeadLetters:
    """Sends refused records and waits until Kafka has them. A record may be sent twice after a crash:
    topic, partition and offset in its headers tell copies apart.

    Raises:
        kafka.errors.KafkaError: Kafka does not answer.
    """

    def __init__(self, settings: Settings, topic_id: str = "") -> None:
        self._topic, self._topic_id = settings.kafka_dlq_topic, topic_id
        self._producer = KafkaProducer(**settings.kafka_options, acks="all", bootstrap_timeout_ms=5000, max_block_ms=10_000)

    def send(self, refused: Iterable[tuple[Any, str, str]]) -> None:
        """Keep (consumer record, reason, detail) of each; returns when all are acknowledged.

        Raises:
            kafka.errors.KafkaError: at least one was not.
        """
        sent = [
            self._producer.send(
                self._topic,
                key=record.key,
                value=(record.value or b"")[:LARGEST],
                headers=[*headers(record, reason, detail), ("topic_id", self._topic_id.encode())],
            )
            for record, reason, detail in refused
        ]
        self._producer.flush(timeout=30)
        for future in sent:
            future.get(timeout=1)

    def close(self) -> None:
        """Close the connection; everything sent has been acknowledged before."""
        self._producer.close(timeout=5)


def headers(record: Any, reason: str, detail: str) -> list[tuple[str, bytes]]:
    """Kafka headers: reason, detail, topic, partition, offset, timestamp_ms, size (bytes of the original)."""
    values = {
        "reason": str(reason),
        "detail": detail[:1000],
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp,
        "size": len(record.value or b""),
    }
    return [(name, str(value).encode("utf-8", "replace")) for name, value in values.items()]
