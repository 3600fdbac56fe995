"""Count the shop's events live: Kafka to Redis, each event once, whatever stops in between.

Records of one poll are decoded, judged and summed, then one atomic step a partition adds the sums and
moves the stored offset (ecommerce/live). What is refused goes to the dead-letter topic before that.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
import uuid
from collections.abc import Iterable

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError
from kafka.structs import OffsetAndMetadata
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisSlow
from redis.retry import Retry

from ecommerce import live, record_batches, stream
from ecommerce.config import ConfigError, Settings, settings
from ecommerce.dead_letters import DeadLetters, DeadRecord
from ecommerce.event_reader import EventReader
from ecommerce.record_batches import Record
from ecommerce.shops import shops
from ecommerce.suppression import Suppression, SuppressionError
from ecommerce.worker import Stopped, Worker, one_line

POLL_MS = 200
COMMIT_SECONDS = 1.0
CHECK_SECONDS = 5.0
SETTLE_SECONDS = 8.0


class RedisNotReady(RedisError):
    """Redis answers, but cannot write at the moment: loading, full, or not able to save."""


class Consumer(ConsumerRebalanceListener):
    """One member of the consumer group, and the partitions it owns."""

    def __init__(self, worker: Worker, config: Settings) -> None:
        self.worker, self.config = worker, config
        self.member = f"{worker.name}-{uuid.uuid5(uuid.NAMESPACE_URL, f'//{socket.gethostname()}{config.var_dir}').hex[:12]}"
        self.redis_name = f"Redis at {config.redis_host}:{config.redis_port}"
        self.kafka_name = config.kafka_name
        self.claims: dict[TopicPartition, live.Claim] = {}
        self.unclaimed: set[TopicPartition] = set()
        self.counted_records, self.rate_from = 0, time.monotonic()
        self.committed = self.last_records = self.checked = time.monotonic()

    # -- connecting ---------------------------------------------------------------------------------

    def connect(self, new_generation: bool) -> None:
        """Wait for Redis and Kafka and join the group."""
        retry = Retry(NoBackoff(), 0)
        redis = Redis(**self.config.redis_options, socket_timeout=10, socket_connect_timeout=3, retry=retry)
        self._on_redis(redis.ping)
        if new_generation:
            self.worker.say(f"counting from the beginning of the topic into generation {live.new_generation(redis)}")
        log = self._on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.log = log
        self.live = self._on_redis(lambda: live.LiveWriter(redis, live.Origin(*log[:3]), shops()))
        self.dead_letters = self._on_kafka(lambda: DeadLetters(self.config))
        options = {
            **self.config.kafka_options,
            **stream.CONSUMER_OPTIONS,
            "group_id": f"{log.topic}.live",
            "group_instance_id": self.member,
        }
        self.kafka = self._on_kafka(lambda: KafkaConsumer(**options))
        self.to_plain = record_batches.use(self.kafka, self.config.record_decoder)
        self.reader = EventReader(shops())
        self.suppression = Suppression(self.config)
        self.kafka.subscribe([log.topic], listener=self)
        self.worker.say(f"reading {log.topic} ({log.partitions} partitions) from {self.kafka_name}")

    def _on_redis(self, attempt):
        def once():
            try:
                return attempt()
            except ResponseError as error:
                if any(word in str(error) for word in ("OOM ", "MISCONF", "LOADING", "READONLY", "BUSY ")):
                    raise RedisNotReady(str(error)) from error
                raise

        return self.worker.wait_for(self.redis_name, once, (RedisAway, RedisSlow, RedisNotReady), self._stay_in_group)

    def _on_kafka(self, attempt):
        return self.worker.wait_for(self.config.kafka_awaited, attempt, stream.KAFKA_AWAY)

    def _stay_in_group(self) -> None:
        """Poll without fetching, so that a pause is not taken for a death."""
        if hasattr(self, "kafka"):
            self.kafka.pause(*self.kafka.assignment())
            self.kafka.poll(0)

    # -- which partitions, from where ---------------------------------------------------------------

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold new partitions until they are claimed; this runs inside poll and must not wait."""
        for partition in assigned:
            self.kafka.seek(partition, 0)
            self.kafka.pause(partition)
            self.unclaimed.add(partition)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for partition in revoked:
            self.claims.pop(partition, None)
            self.unclaimed.discard(partition)

    def claim_assigned(self) -> None:
        """Fence earlier writers of the new partitions and read on from the stored offsets."""
        taken = sorted(self.unclaimed)
        for partition in taken:
            begin = self._on_kafka(lambda p=partition: self.kafka.beginning_offsets([p], timeout_ms=5000)[p])
            if self._on_redis(lambda p=partition: self.live.stored(p.partition))[1] is None:
                self.worker.say(f"no live state of partition {partition.partition}: counting from its beginning, offset {begin}")
            claim = self._on_redis(lambda p=partition, b=begin: self.live.claim(p.partition, b))
            self._check_position(partition, claim.next, begin)
            if partition in self.unclaimed:
                self.kafka.seek(partition, claim.next)
                self.claims[partition] = claim
                self.unclaimed.discard(partition)
        if taken:
            self.worker.say(
                f"counting partitions {', '.join(f'{p.partition} from {self.claims[p].next}' for p in taken if p in self.claims)}"
            )
        self.kafka.resume(*(self.kafka.paused() - self.unclaimed))

    def _check_position(self, partition: TopicPartition, offset: int, begin: int) -> None:
        """Refuse a stored offset that the log does not hold."""
        remedy = "Start the consumer once with --new-generation to drop the live state and count again from the log's beginning"
        where = f"{partition.topic} partition {partition.partition}"
        if offset < begin:
            lost = begin - offset
            raise live.StateError(
                f"{where}: counted up to offset {offset}, but the log begins at {begin}: {lost} records are gone. {remedy}"
            )
        end = self._end(partition)
        settled = time.monotonic() + SETTLE_SECONDS
        while end < offset and time.monotonic() < settled and not self.worker.stopping:
            self.worker.pause(0.5)
            end = self._end(partition)
        if end < offset and not self.worker.stopping:
            raise live.StateError(f"{where}: counted up to offset {offset}, but the log ends at {end}: it lost its tail. {remedy}")

    def _end(self, partition: TopicPartition) -> int:
        return self._on_kafka(lambda: self.kafka.end_offsets([partition], timeout_ms=5000)[partition])

    def rejoin(self) -> None:
        """Leave the group and join again: somebody else owns what this member thought its own."""
        self.kafka.unsubscribe()
        self.claims.clear()
        self.unclaimed.clear()
        self.kafka.subscribe([self.config.kafka_topic], listener=self)

    # -- one poll -----------------------------------------------------------------------------------

    def poll(self) -> dict[TopicPartition, list[Record]]:
        """The next records by partition; empty where nothing came."""
        try:
            polled = self.kafka.poll(POLL_MS)
        except FencedInstanceIdError:
            raise
        except KafkaError as error:
            self.worker.say(f"reading failed, claiming the partitions again: {one_line(error)}")
            self.worker.pause(0.5)
            self.on_partitions_assigned(self.kafka.assignment())
            return {}
        if polled:
            self.last_records = time.monotonic()
        return {partition: self.to_plain(records) for partition, records in polled.items()}

    def read(self, partition: TopicPartition, records: list[Record], claim: live.Claim) -> live.Batch:
        """Decode and validate; what is refused is kept apart with its reason and shop-day."""
        accepted, unaccepted = self.reader.read(records)
        accepted = self.suppression.filtered(accepted)
        refused = []
        for (offset, timestamp, _, value), why in unaccepted:
            place = stream.shop_day_of_refused(value, timestamp, shops()) or (None, None)
            refused.append(live.Refusal(offset, why.reason, why.detail, *place))
        return live.Batch(partition.partition, claim.next, records[-1][0] + 1, accepted, refused)

    def count(self, partition: TopicPartition, records: list[Record]) -> None:
        """Apply the records of one partition; on a lost claim leave them to whoever owns it."""
        claim = self.claims.get(partition)
        if claim is None:
            return
        batch = self.read(partition, records, claim)

        def keep_refused(refused: list[live.Refusal]) -> None:
            by_offset = {record[0]: DeadRecord(*partition, *record) for record in records}
            self._on_kafka(lambda: self.dead_letters.send((by_offset[r.offset], r.reason, r.detail) for r in refused))

        try:
            self._on_redis(lambda: self.live.apply(claim, batch, keep_refused))
            self.counted_records += len(records)
        except (live.Moved, live.Stale):
            self._lost(partition)

    def _lost(self, partition: TopicPartition) -> None:
        """Claim again what Redis forgot, wholly or in part; leave to its new writer what has one."""
        claim = self.claims.pop(partition, None)
        if claim is None:
            return
        writer, offset = self._on_redis(lambda: self.live.stored(partition.partition))
        if offset is None:
            self.worker.say(f"the live state of partition {partition.partition} is gone from Redis; counting again from the log")
        elif writer == claim.writer:
            self.worker.say(f"Redis went back from offset {claim.next} to {offset} of partition {partition.partition}; counting from there")
        else:
            self.worker.say(f"partition {partition.partition} has another writer; joining the group again")
            self.rejoin()
            return
        self.on_partitions_assigned([partition])

    # -- between polls ------------------------------------------------------------------------------

    def commit(self, wait: bool = False) -> None:
        """Tell Kafka the stored offsets, for tools that show lag; the truth is in Redis."""
        if not self.claims or (not wait and time.monotonic() - self.committed < COMMIT_SECONDS):
            return
        self.committed = time.monotonic()
        offsets = {partition: OffsetAndMetadata(claim.next, "", -1) for partition, claim in self.claims.items()}
        try:
            self.kafka.commit(offsets, timeout_ms=2000) if wait else self.kafka.commit_async(offsets)
        except FencedInstanceIdError:
            raise
        except KafkaError as error:
            self.worker.say(f"the offsets could not be told to Kafka ({one_line(error)}); they are safe in Redis")

    def report(self) -> None:
        """Heartbeat: records behind, records a second, partitions owned."""
        lag = sum(max(0, (self.kafka.highwater(p) or c.next) - c.next) for p, c in self.claims.items() if p in self.kafka.assignment())
        elapsed = time.monotonic() - self.rate_from
        if elapsed >= 1:
            self.worker.beat(state="running", rate=round(self.counted_records / elapsed, 1))
            self.counted_records, self.rate_from = 0, time.monotonic()
        self.worker.beat(lag=lag, partitions=sorted(p.partition for p in self.claims))

    def check(self) -> None:
        """Now and then: is the state still there, and after a silence, is Kafka, with the same topic?"""
        if time.monotonic() - self.checked >= CHECK_SECONDS:
            self.checked = time.monotonic()
            self._check_state()
        if time.monotonic() - self.last_records >= CHECK_SECONDS:
            self._check_log()

    def _check_state(self) -> None:
        """Redis may have lost its last second, or everything, while nothing came for a partition."""
        by_number = {partition.partition: partition for partition in self.claims}
        for claim in self._on_redis(lambda: self.live.broken(self.claims.values())):
            if claim.partition in by_number:
                self._lost(by_number[claim.partition])

    def _check_log(self) -> None:
        log = self._on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.last_records = time.monotonic()
        if log[:3] != self.log[:3]:
            raise live.StateError(
                f"topic {log.topic} was made again (id {log.topic_id}, was {self.log.topic_id}) while it was being counted"
            )

    def close(self) -> None:
        if hasattr(self, "kafka"):
            self.kafka.close(autocommit=False, timeout_ms=5000)
        if hasattr(self, "dead_letters"):
            self.dead_letters.close()


def run(consumer: Consumer, new_generation: bool) -> None:
    """Until asked to stop: claim, poll, count, report."""
    consumer.connect(new_generation)
    while not consumer.worker.stopping:
        consumer.claim_assigned()
        for partition, records in consumer.poll().items():
            consumer.count(partition, records)
        consumer.commit()
        consumer.report()
        consumer.check()
    consumer.commit(wait=True)


def main() -> int:
    """Exit code 0 after a stop that was asked for, 1 where the state or the settings need a person."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--new-generation", action="store_true", help="drop the live state and count the topic again from its beginning")
    parser.add_argument(
        "--name", default="consumer", help="tells consumers of one machine apart; a restart under the same name takes over at once"
    )
    arguments = parser.parse_args()
    worker = None
    try:
        worker = Worker(arguments.name, settings().var_dir / "run").start()
        consumer = Consumer(worker, settings())
        try:
            run(consumer, arguments.new_generation)
        finally:
            consumer.close()
    except Stopped:
        pass
    except (ConfigError, SuppressionError, live.StateError) as error:
        print(f"consumer: {error}", file=sys.stderr)
        return 1
    except FencedInstanceIdError:
        print(
            f"consumer: another consumer named {arguments.name} has started on this machine; give one of them another --name",
            file=sys.stderr,
        )
        return 1
    worker.say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
