"""Our decode and step behind another Kafka client. Argument: aiokafka, confluent; for raw polling: aiokafka-raw, confluent-raw."""

import asyncio
import sys
from collections import defaultdict

from common import BENCH, GROUP, LIBRDKAFKA, TOPIC, Meter, redis_client

from ecommerce import live
from ecommerce.event_reader import EventReader
from ecommerce.shops import shops

PARTITIONS, BATCH = 4, 5000
CLIENT, _, RAW = sys.argv[1].partition("-")
meter, reader = Meter(), EventReader(shops())
writer = live.LiveWriter(redis_client(), live.Origin("bench", TOPIC, "bench"), shops())
claims = {number: writer.claim(number, 0) for number in range(PARTITIONS)}


def apply(by_partition: dict[int, list]) -> None:
    """One step for each partition's records: (offset, timestamp, key, value)."""
    for number, records in by_partition.items():
        if not RAW:
            accepted, refused = reader.read(records)
            assert not refused
            batch = live.Batch(number, claims[number].next, records[-1][0] + 1, accepted, [])
            writer.apply(claims[number], batch, lambda _: None)
        if meter.add(len(records)):
            meter.end()


async def with_aiokafka() -> None:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(
        bootstrap_servers=BENCH["bootstrap"], security_protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-256",
        sasl_plain_username=BENCH["user"], sasl_plain_password=BENCH["password"], enable_auto_commit=False, auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    consumer.assign([TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
    await consumer.seek_to_beginning()
    while True:
        polled = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        meter.begin() if polled else None
        apply({place.partition: [(r.offset, r.timestamp, r.key, r.value) for r in records] for place, records in polled.items()})


def with_confluent() -> None:
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({**LIBRDKAFKA, "group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
    while True:
        messages = consumer.consume(BATCH, timeout=0.2)
        by_partition = defaultdict(list)
        for m in messages:
            meter.begin()
            by_partition[m.partition()].append((m.offset(), m.timestamp()[1], m.key(), m.value()))
        apply(by_partition)


asyncio.run(with_aiokafka()) if CLIENT == "aiokafka" else with_confluent()
