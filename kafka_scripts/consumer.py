"""Count the shop's events live: Kafka to Redis, each event once, whatever stops in between.

Records of one poll are decoded, judged and summed, then one atomic step a partition adds the sums and
moves the stored offset (ecommerce/live). What is refused goes to the dead-letter topic before that.
"""

from __future__ import annotations

import argparse
import gc
import socket
import sys
import time
import uuid
from collections.abc import Iterable

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisSlow
from redis.retry import Retry

from ecommerce import letters, live, record_batches, refill, refusal_guard, stream
from ecommerce.archived_log import ArchivedLog
from ecommerce.batches import BatchReader
from ecommerce.config import Settings, settings
from ecommerce.dead_letters import DeadLetters, DeadRecord
from ecommerce.errors import PlatformError
from ecommerce.events import Event, encode
from ecommerce.record_batches import Record
from ecommerce.refusal_guard import RefusalGuard
from ecommerce.shops import shops
from ecommerce.stall_watch import StallWatch
from ecommerce.suppression import Suppression
from ecommerce.worker import Stopped, Worker, one_line

POLL_MS = 200
COMMIT_SECONDS = 1.0
CHECK_SECONDS = 5.0
SETTLE_SECONDS = 8.0
BUSY_RECORDS = 1000
"""A poll with fewer is caught up: its last batch is waited for at once."""
PATIENCE, LONGEST_PATIENCE = 20.0, 600.0
"""Without partitions for so long, seconds: spare members wait longer each time."""
UNREMARKABLE = 1000
"""So many records counted from the beginning are a start, not a rebuild."""


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
        self.rebuilding: dict[int, tuple[int, int]] = {}
        self.refused_before: dict[int, list[live.Refusal]] | None = None
        self.under_way: tuple | None = None
        self.stalls, self.ends = StallWatch(), dict[int, int]()
        self.counted_records, self.rate_from = 0, time.monotonic()
        self.patience = PATIENCE
        self.committed = self.last_records = self.checked = time.monotonic()

    # -- connecting ---------------------------------------------------------------------------------

    def connect(self, new_generation: bool, accept_refused: bool) -> None:
        """Wait for Redis and Kafka and join the group."""
        retry = Retry(NoBackoff(), 0)
        redis = self.redis = Redis(**self.config.redis_options, socket_timeout=10, socket_connect_timeout=3, retry=retry)
        self._on_redis(redis.ping)
        self.accept_gap = new_generation
        if new_generation:
            self.worker.say(f"counting the archive and the topic from their beginning into generation {live.new_generation(redis)}")
        log = self._on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.log = log
        self.live = self._on_redis(lambda: live.LiveWriter(redis, live.Origin(*log[:3]), shops()))
        self.progress = live.Progress(redis)
        stop = self._on_redis(lambda: refusal_guard.halted(redis))
        self.guard = RefusalGuard(strict=bool(stop), accepted=accept_refused or "accepted" in stop)
        self.dead_letters = self._on_kafka(lambda: DeadLetters(self.config, log.topic_id))
        self.reader = BatchReader(shops(), Suppression(self.config))
        self._join()
        self.worker.say(f"reading {log.topic} ({log.partitions} partitions) from {self.kafka_name}")

    def _join(self) -> None:
        options = {
            **self.config.kafka_options,
            **stream.CONSUMER_OPTIONS,
            "group_id": f"{self.log.topic}.live",
            "group_instance_id": self.member,
        }
        self.kafka = self._on_kafka(lambda: KafkaConsumer(**options))
        self.to_plain = record_batches.use(self.kafka, self.config.record_decoder)
        # A group whose leader does not know the topic yet shares out nothing, and a static member keeps that nothing.
        self._on_kafka(self._know_partitions)
        self._subscribe()

    def _know_partitions(self) -> None:
        if not self.kafka.partitions_for_topic(self.log.topic):
            raise UnknownTopicOrPartitionError(self.log.topic)

    def _subscribe(self) -> None:
        self.claims.clear()
        self.unclaimed.clear()
        self.stalls.forget()
        self.without_since = time.monotonic()
        self.kafka.subscribe([self.log.topic], listener=self)

    def _check_joined(self) -> None:
        """Without partitions for long, or in a rebalance that does not end, join anew as another member."""
        if self.kafka.assignment() and self.kafka._coordinator.stable():
            self.without_since = time.monotonic()
        elif time.monotonic() - self.without_since > self.patience:
            self.worker.say(f"the group gave no partitions within {self.patience:.0f} s: joining it as a new member")
            self.patience = min(2 * self.patience, LONGEST_PATIENCE)
            self._join_as_another()

    def _join_as_another(self) -> None:
        self.member = f"{self.member.partition('.')[0]}.{uuid.uuid4().hex[:6]}"
        self.kafka.close(autocommit=False, timeout_ms=2000)
        self._join()

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
            self.unclaimed.add(partition)
            self.claims.pop(partition, None)
            self.kafka.seek(partition, 0)
            self.kafka.pause(partition)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for partition in revoked:
            self.claims.pop(partition, None)
            self.unclaimed.discard(partition)

    def claim_assigned(self) -> None:
        """Fence earlier writers of the new partitions, bring back what is missing, read on from the stored offsets."""
        # kafka-python leaves the callback out when a poll ends between an assignment and its callback.
        if unknown := self.kafka.assignment() - self.claims.keys() - self.unclaimed:
            self.on_partitions_assigned(unknown)
        taken = sorted(self.unclaimed)
        if taken:
            self.settle()
            self.archived = ArchivedLog(self.config.lake_dir, self.log.topic_id)
        for partition in taken:
            if partition in self.unclaimed:
                self._claim(partition)
        if taken:
            self.refused_before = None
            where = [f"{p.partition} from {self.claims[p].next}" for p in taken if p in self.claims]
            self.worker.say(f"counting partitions {', '.join(where) or 'none'}")
        self.kafka.resume(*(self.kafka.paused() - self.unclaimed))

    def _claim(self, partition: TopicPartition) -> None:
        number = partition.partition
        plan, committed, stored = self._plan(partition)
        try:
            claim = self._on_redis(lambda: self.live.claim(number, plan.start))
        except live.Torn as torn:
            self._begin_anew(torn)
            return
        if claim.next != plan.start:
            return  # swapped for a rebuilt state in between: the next round plans anew
        if stored is None and plan.start < self._end(partition) - UNREMARKABLE:
            self.worker.say(f"no live state of partition {number}: rebuilding it from offset {plan.start}")
            self._on_redis(lambda: self.progress.begin({number: (plan.start, self._end(partition))}))
        if (unfinished := self._on_redis(lambda: self.progress.unfinished(number))) is not None:
            self.rebuilding[number] = unfinished
        if self._from_archive(partition, claim, plan.stop, committed) and partition in self.unclaimed:
            self.kafka.seek(partition, claim.next)
            self.claims[partition] = claim
            self.unclaimed.discard(partition)

    def _begin_anew(self, torn: live.Torn) -> None:
        """A state that is known to be wrong must not serve: an empty generation is, and fills."""
        self.worker.say(
            f"{torn.args[0].partition('. ')[0]}: rebuilding it in generation {self._on_redis(lambda: live.new_generation(self.redis))}"
        )
        self.on_partitions_assigned(list(self.claims))

    def _plan(self, partition: TopicPartition) -> tuple[refill.Plan, int, int | None]:
        """Where to count on, the offset below which refused records are dead letters already, and the stored offset."""
        where, number = f"{partition.topic} partition {partition.partition}", partition.partition
        self._on_redis(self.live.refresh)
        stored = self._on_redis(lambda: self.live.stored(number))[1]
        begin = self._on_kafka(lambda: self.kafka.beginning_offsets([partition], timeout_ms=5000)[partition])
        committed = self._on_kafka(lambda: self.kafka.committed(partition, timeout_ms=5000))
        bounds = refill.Bounds(begin, self._settled_end(partition, stored or 0))
        return refill.plan(where, stored, bounds, committed, self.archived.span(number), self.accept_gap), committed or 0, stored

    def _settled_end(self, partition: TopicPartition, offset: int) -> int:
        """The log's end; a broker that has just started is given time to know it."""
        end, settled = self._end(partition), time.monotonic() + SETTLE_SECONDS
        while end < offset and time.monotonic() < settled and not self.worker.stopping:
            self.worker.pause(0.5)
            end = self._end(partition)
        if self.worker.stopping:
            raise Stopped("asked to stop while the log's end was looked for")
        return end

    def _from_archive(self, partition: TopicPartition, claim: live.Claim, stop: int, committed: int) -> bool:
        """Count what the archive holds up to ``stop``; False when the partition was lost meanwhile."""
        if claim.next >= stop:
            return True
        if self.refused_before is None:
            self.refused_before = self._on_kafka(lambda: letters.refusals(self.config, self.log, shops()))
        self.worker.say(f"reading partition {claim.partition} from the archive: offsets {claim.next} to {stop - 1}")
        refused = self.refused_before.get(claim.partition, [])
        try:
            for batch in refill.batches(self.archived, claim, stop, refused, self.reader.suppression):
                self._on_redis(lambda b=batch: self.live.apply(claim, b, lambda r: self._keep_again(b, r, committed), past=True))
                self.worker.beat(state="rebuilding")
                self._tell_progress(claim)
                self._stay_in_group()
                if self.worker.stopping or partition not in self.unclaimed:
                    return False
        except (live.Moved, live.Stale):
            return False
        return True

    def _keep_again(self, batch: live.Batch, refused: list[live.Refusal], committed: int) -> None:
        """Dead letters of archived events, but for those that were counted, and so refused, before."""
        events = dict(batch.accepted)
        fresh = [(self._record(batch.partition, r.offset, events[r.offset]), r.reason, r.detail) for r in refused if r.offset >= committed]
        if fresh:
            self._on_kafka(lambda: self.dead_letters.send(fresh))

    def _record(self, partition: int, offset: int, event: Event) -> DeadRecord:
        return DeadRecord(self.log.topic, partition, offset, int(event.event_time.timestamp() * 1000), event.key, encode(event))

    def _tell_progress(self, claim: live.Claim) -> None:
        if (span := self.rebuilding.get(claim.partition)) is None:
            return
        first, stop = span
        self._on_redis(lambda: self.progress.done(claim.partition, min(claim.next, stop) - first))
        if claim.next >= stop:
            del self.rebuilding[claim.partition]
            self._on_redis(self.progress.finish_if_done)

    def _end(self, partition: TopicPartition) -> int:
        return self._on_kafka(lambda: self.kafka.end_offsets([partition], timeout_ms=5000)[partition])

    def rejoin(self) -> None:
        """Leave the group and join again: somebody else owns what this member thought its own."""
        self.kafka.unsubscribe()
        self._subscribe()

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

    def count(self, partition: TopicPartition, records: list[Record]) -> None:
        """Decode the records of one partition while Redis works on the batch before, then send theirs and do not wait."""
        claim = self.claims.get(partition)
        if claim is None:
            return
        if records[0][0] < claim.next:
            # An assignment's callback, on kafka-python's own thread, came between the claim and this read.
            self.on_partitions_assigned([partition])
            return
        batch = self.reader.read(partition.partition, claim.next, records)
        self.settle()
        if self.claims.get(partition) is not claim:
            return
        batch.first = claim.next
        self._watch_refused(partition, records, batch)

        def keep_refused(refused: list[live.Refusal]) -> None:
            by_offset = {record[0]: DeadRecord(*partition, *record) for record in records}
            self._on_kafka(lambda: self.dead_letters.send((by_offset[r.offset], r.reason, r.detail) for r in refused))

        self.under_way = partition, claim, batch, keep_refused, self._begun(claim, batch, keep_refused)

    def _begun(self, claim: live.Claim, batch: live.Batch, keep_refused: live.OnRefused) -> live.Step | None:
        """The step of the batch, sent; None where Redis is away."""
        try:
            return self.live.begin(claim, batch, keep_refused)
        except (RedisAway, RedisSlow):
            return None

    def settle(self) -> None:
        """Wait until the batch under way is applied; on a lost claim leave it to whoever owns the partition."""
        if self.under_way is None:
            return
        (partition, claim, batch, keep_refused, step), self.under_way = self.under_way, None

        def once() -> None:
            nonlocal step
            taken, step = step, None
            self.live.finish(taken) if taken else self.live.apply(claim, batch, keep_refused)

        try:
            self._on_redis(once)
            self.counted_records += batch.next - batch.first
        except (live.Moved, live.Stale):
            self._lost(partition)
        except live.Torn as torn:
            self._begin_anew(torn)

    def _watch_refused(self, partition: TopicPartition, records: list[Record], batch: live.Batch) -> None:
        """Stop, before the batch counts, when most of what comes is refused."""
        recovering = self.guard.recovering
        if self.guard.trips(len(records), (refusal.offset - records[0][0] for refusal in batch.refused)):
            worst = batch.refused[-1]
            where = f"{partition.topic} partition {partition.partition} offset {worst.offset}"
            raise self._on_redis(lambda: refusal_guard.halt(self.redis, where, f"{worst.reason} ({worst.detail[:200]})"))
        if recovering and not self.guard.recovering:
            self.worker.say("most records are valid again: a stop for too many refused ones is overcome")
            self._on_redis(lambda: self.redis.delete(refusal_guard.HALTED))

    def _lost(self, partition: TopicPartition) -> None:
        """Claim again what Redis forgot, wholly or in part; leave to its new writer what has one."""
        claim = self.claims.pop(partition, None)
        if claim is None:
            return
        if self._on_redis(self.live.retired):
            self.worker.say(f"the live state was rebuilt: going on with partition {partition.partition} in the new one")
            self.on_partitions_assigned([partition])
            return
        writer, offset = self._on_redis(lambda: self.live.stored(partition.partition))
        if offset is None:
            self.worker.say(f"the live state of partition {partition.partition} is gone from Redis")
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
        ends = {p: self.kafka.highwater(p) or self.ends.get(p.partition, 0) for p in self.claims if p in self.kafka.assignment()}
        lag = sum(max(0, end - self.claims[p].next) for p, end in ends.items())
        elapsed = time.monotonic() - self.rate_from
        if elapsed >= 1:
            self.worker.beat(state="running", rate=round(self.counted_records / elapsed, 1))
            self.counted_records, self.rate_from = 0, time.monotonic()
            for claim in list(self.claims.values()):
                self._tell_progress(claim)
        self.worker.beat(lag=lag, partitions=sorted(p.partition for p in self.claims))

    def check(self) -> None:
        """Now and then: is the state still there, and after a silence, is Kafka, with the same topic?"""
        if time.monotonic() - self.checked >= CHECK_SECONDS:
            self.checked = time.monotonic()
            self.settle()
            self._check_state()
            self._check_reading()
        if time.monotonic() - self.last_records >= CHECK_SECONDS:
            self._check_log()
        self._check_joined()

    def _check_state(self) -> None:
        """Redis may have lost its last second, or everything, while nothing came for a partition."""
        by_number = {partition.partition: partition for partition in self.claims}
        for claim in self._on_redis(lambda: self.live.broken(self.claims.values())):
            if claim.partition in by_number:
                self._lost(by_number[claim.partition])

    def _check_reading(self) -> None:
        """Where records wait and none are read, go on with a new client."""
        places = {p: self.kafka.position(p, timeout_ms=1000) for p in self.claims if p in self.kafka.assignment()}
        positions = {p.partition: place for p, place in places.items() if place is not None}
        self.ends = self._on_kafka(lambda: stream.ends(self.config, places)) if self.stalls.unmoved(positions) else {}
        if stalled := self.stalls.stalled(positions, self.ends):
            self.worker.say(f"records wait in partitions {stalled} and none are read: joining the group with a new client")
            self._join_as_another()

    def _check_log(self) -> None:
        log = self._on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.last_records = time.monotonic()
        if log[:3] != self.log[:3]:
            raise live.StateError(
                f"topic {log.topic} was made again (id {log.topic_id}, was {self.log.topic_id}) while it was being counted. Start the "
                "consumer once with --new-generation to count the new one",
                "another_log",
            )

    def close(self) -> None:
        if hasattr(self, "kafka"):
            self.kafka.close(autocommit=False, timeout_ms=5000)
        if hasattr(self, "dead_letters"):
            self.dead_letters.close()


def run(consumer: Consumer, new_generation: bool, accept_refused: bool) -> None:
    """Until asked to stop: claim, poll, count, report."""
    consumer.connect(new_generation, accept_refused)
    # Batches hold no cycles: looking for some in them would cost a fifth of the CPU.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    while not consumer.worker.stopping:
        consumer.claim_assigned()
        polled = consumer.poll()
        for partition, records in polled.items():
            consumer.count(partition, records)
        if sum(map(len, polled.values())) < BUSY_RECORDS:
            consumer.settle()
        consumer.commit()
        consumer.report()
        consumer.check()
    consumer.settle()
    consumer.commit(wait=True)


def main() -> int:
    """Exit code 0 after a stop that was asked for, 1 where the state or the settings need a person, 3 where most is refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--new-generation", action="store_true", help="drop the live state and count the topic again from its beginning")
    parser.add_argument(
        "--name", default="consumer", help="tells consumers of one machine apart; a restart under the same name takes over at once"
    )
    parser.add_argument(
        "--accept-refused", action="store_true", help="go on though most records are refused: they go to the dead-letter topic"
    )
    arguments = parser.parse_args()
    worker = None
    try:
        worker = Worker(arguments.name, settings().var_dir / "run", watched=True).start()
        consumer = Consumer(worker, settings())
        try:
            run(consumer, arguments.new_generation, arguments.accept_refused)
        finally:
            consumer.close()
    except Stopped:
        pass
    except PlatformError as error:
        if worker:
            worker.beat(state="stopped", incident=getattr(error, "incident", "refused_to_start"), message=str(error))
        print(f"consumer: {error}", file=sys.stderr)
        return 3 if getattr(error, "incident", "") == "too_many_refused" else 1
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
