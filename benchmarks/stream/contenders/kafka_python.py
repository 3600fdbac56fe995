"""kafka-python. Argument: raw (poll and discard), tutorial (a Redis command at a time), pipeline (one each 1,000 events)."""

import json
import sys

from common import BENCH, COUNT, TOPIC, Meter, commands, redis_client
from kafka import KafkaConsumer, TopicPartition

WAY, MAX_RECORDS = sys.argv[1], int(sys.argv[2])

consumer = KafkaConsumer(
    bootstrap_servers=BENCH["bootstrap"],
    security_protocol="SASL_PLAINTEXT",
    sasl_mechanism="SCRAM-SHA-256",
    sasl_plain_username=BENCH["user"],
    sasl_plain_password=BENCH["password"],
    enable_auto_commit=False,
    auto_offset_reset="earliest",
)
partitions = [TopicPartition(TOPIC, number) for number in sorted(consumer.partitions_for_topic(TOPIC))]
consumer.assign(partitions)
consumer.seek_to_beginning()
redis, meter = redis_client(), Meter()
target = redis.pipeline(transaction=False) if WAY == "pipeline" else redis
waiting = 0

while True:
    for records in consumer.poll(1000, max_records=MAX_RECORDS).values():
        meter.begin()
        if WAY != "raw":
            for record in records[: COUNT - meter.events]:
                commands(target, json.loads(record.value))
                waiting += 1
                if WAY == "pipeline" and waiting == 1000:
                    target.execute()
                    waiting = 0
        if meter.add(len(records)):
            if WAY == "pipeline":
                target.execute()
            meter.end()
