"""From the records of one poll to the live state: read, stop where most is refused, one step a partition in flight."""

from __future__ import annotations

from typing import NamedTuple

from kafka import TopicPartition

from ecommerce import live, refusal_guard
from ecommerce.batches import BatchReader
from ecommerce.consuming.claiming import Claimer
from ecommerce.consuming.servers import AWAY
from ecommerce.dead_letters import DeadRecord
from ecommerce.record_batches import Record
from ecommerce.refusal_guard import RefusalGuard


class UnderWay(NamedTuple):
    """A batch whose step was sent; ``step`` is None where Redis was away."""

    partition: TopicPartition
    claim: live.Claim
    batch: live.Batch
    keep_refused: live.OnRefused
    step: live.Step | None


class Counter:
    """Counts records of the partitions that ``claimer`` claimed. ``records`` are those counted since it was set to 0."""

    def __init__(self, claimer: Claimer, reader: BatchReader, guard: RefusalGuard) -> None:
        self.claimer, self.reader, self.guard = claimer, reader, guard
        self.member, self.state = claimer.member, claimer.state
        self.servers, self.dead_letters = claimer.servers, claimer.dead_letters
        self.under_way: UnderWay | None = None
        self.records = 0

    def count(self, partition: TopicPartition, records: list[Record]) -> None:
        """Decode the records of one partition while Redis works on the batch before, then send theirs and do not wait."""
        claim = self.member.claims.get(partition)
        if claim is None:
            return
        if records[0][0] < claim.next:
            # An assignment's callback, on kafka-python's own thread, came between the claim and this read.
            self.member.on_partitions_assigned([partition])
            return
        batch = self.reader.read(partition.partition, claim.next, records)
        self.settle()
        if self.member.claims.get(partition) is not claim:
            return
        batch.first = claim.next
        self._watch_refused(partition, records, batch)

        def keep_refused(refused: list[live.Refusal]) -> None:
            by_offset = {record[0]: DeadRecord(*partition, *record) for record in records}
            self.servers.on_kafka(lambda: self.dead_letters.send((by_offset[r.offset], r.reason, r.detail) for r in refused))

        self.under_way = UnderWay(partition, claim, batch, keep_refused, self._begun(claim, batch, keep_refused))

    def _begun(self, claim: live.Claim, batch: live.Batch, keep_refused: live.OnRefused) -> live.Step | None:
        """The step of the batch, sent; None where Redis is away."""
        try:
            return self.state.begin(claim, batch, keep_refused)
        except AWAY:
            return None

    def settle(self) -> None:
        """Wait until the batch under way is applied; on a lost claim leave it to whoever owns the partition."""
        if self.under_way is None:
            return
        (partition, claim, batch, keep_refused, step), self.under_way = self.under_way, None

        def once() -> None:
            nonlocal step
            taken, step = step, None
            self.state.finish(taken) if taken else self.state.apply(claim, batch, keep_refused)

        try:
            self.servers.on_redis(once)
            self.records += batch.next - batch.first
        except (live.Moved, live.Stale):
            self.claimer.lost(partition)
        except live.Torn as torn:
            self.claimer.begin_anew(torn)

    def _watch_refused(self, partition: TopicPartition, records: list[Record], batch: live.Batch) -> None:
        """Stop, before the batch counts, when most of what comes is refused."""
        recovering, redis = self.guard.recovering, self.servers.redis
        if self.guard.trips(len(records), (refusal.offset - records[0][0] for refusal in batch.refused)):
            worst = batch.refused[-1]
            where = f"{partition.topic} partition {partition.partition} offset {worst.offset}"
            raise self.servers.on_redis(lambda: refusal_guard.halt(redis, where, f"{worst.reason} ({worst.detail[:200]})"))
        if recovering and not self.guard.recovering:
            self.servers.worker.say("most records are valid again: a stop for too many refused ones is overcome")
            self.servers.on_redis(lambda: redis.delete(refusal_guard.HALTED))
