"""Taking partitions over: fence earlier writers, bring back from the archive what Redis lacks, and say what was lost."""

from __future__ import annotations

import time

from kafka import TopicPartition

from ecommerce import letters, live, refill
from ecommerce.archived_log import ArchivedLog
from ecommerce.consuming.member import Member
from ecommerce.dead_letters import DeadLetters, DeadRecord
from ecommerce.events import Event, encode
from ecommerce.shops import shops
from ecommerce.suppression import Suppression
from ecommerce.worker import Stopped

SETTLE_SECONDS = 8.0
UNREMARKABLE = 1000
"""So many records counted from the beginning are a start, not a rebuild."""


class Claimer:
    """Makes partitions that the group gave ``member`` its own in the live state. ``accept_gap``: see refill.plan."""

    def __init__(
        self, member: Member, state: live.LiveWriter, dead_letters: DeadLetters, suppression: Suppression, accept_gap: bool
    ) -> None:
        self.member, self.state, self.dead_letters = member, state, dead_letters
        self.servers, self.worker, self.log = member.servers, member.worker, member.log
        self.suppression, self.accept_gap = suppression, accept_gap
        self.progress = live.Progress(self.servers.redis)
        self.rebuilding: dict[int, tuple[int, int]] = {}
        self.refused_before: dict[int, list[live.Refusal]] | None = None

    def claim(self, partitions: list[TopicPartition]) -> None:
        """Fence earlier writers of ``partitions``, bring back what is missing, read on from the stored offsets."""
        self.archived = ArchivedLog(self.servers.config.lake_dir, self.log.topic_id)
        for partition in partitions:
            if partition in self.member.unclaimed:
                self._claim(partition)
        self.refused_before = None
        claims = self.member.claims
        where = [f"{p.partition} from {claims[p].next}" for p in partitions if p in claims]
        self.worker.say(f"counting partitions {', '.join(where) or 'none'}")

    def _claim(self, partition: TopicPartition) -> None:
        number = partition.partition
        plan, committed, stored = self._plan(partition)
        try:
            claim = self.servers.on_redis(lambda: self.state.claim(number, plan.start))
        except live.Torn as torn:
            self.begin_anew(torn)
            return
        if claim.next != plan.start:
            return  # swapped for a rebuilt state in between: the next round plans anew
        if stored is None and plan.start < self._end(partition) - UNREMARKABLE:
            self.worker.say(f"no live state of partition {number}: rebuilding it from offset {plan.start}")
            self.servers.on_redis(lambda: self.progress.begin({number: (plan.start, self._end(partition))}))
        if (unfinished := self.servers.on_redis(lambda: self.progress.unfinished(number))) is not None:
            self.rebuilding[number] = unfinished
        if self._from_archive(partition, claim, plan.stop, committed) and partition in self.member.unclaimed:
            self.member.claimed(partition, claim)

    def begin_anew(self, torn: live.Torn) -> None:
        """A state that is known to be wrong must not serve: an empty generation is, and fills."""
        generation = self.servers.on_redis(lambda: live.new_generation(self.servers.redis))
        self.worker.say(f"{torn.args[0].partition('. ')[0]}: rebuilding it in generation {generation}")
        self.member.on_partitions_assigned(list(self.member.claims))

    # -- from where ---------------------------------------------------------------------------------

    def _plan(self, partition: TopicPartition) -> tuple[refill.Plan, int, int | None]:
        """Where to count on, the offset below which refused records are dead letters already, and the stored offset."""
        where, number, kafka = f"{partition.topic} partition {partition.partition}", partition.partition, self.member.kafka
        self.servers.on_redis(self.state.refresh)
        stored = self.servers.on_redis(lambda: self.state.stored(number))[1]
        begin = self.servers.on_kafka(lambda: kafka.beginning_offsets([partition], timeout_ms=5000)[partition])
        committed = self.servers.on_kafka(lambda: kafka.committed(partition, timeout_ms=5000))
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

    def _end(self, partition: TopicPartition) -> int:
        return self.servers.on_kafka(lambda: self.member.kafka.end_offsets([partition], timeout_ms=5000)[partition])

    # -- what the archive holds ---------------------------------------------------------------------

    def _from_archive(self, partition: TopicPartition, claim: live.Claim, stop: int, committed: int) -> bool:
        """Count what the archive holds up to ``stop``; False when the partition was lost meanwhile."""
        if claim.next >= stop:
            return True
        if self.refused_before is None:
            self.refused_before = self.servers.on_kafka(lambda: letters.refusals(self.servers.config, self.log, shops()))
        self.worker.say(f"reading partition {claim.partition} from the archive: offsets {claim.next} to {stop - 1}")
        refused = self.refused_before.get(claim.partition, [])

        def keep(batch: live.Batch) -> live.OnRefused:
            return lambda found: self._keep_again(batch, found, committed)

        try:
            for batch in refill.batches(self.archived, claim, stop, refused, self.suppression):
                self.servers.on_redis(lambda b=batch: self.state.apply(claim, b, keep(b), past=True))
                self.worker.beat(state="rebuilding")
                self._tell_progress(claim)
                self.member.stay()
                if self.worker.stopping or partition not in self.member.unclaimed:
                    return False
        except (live.Moved, live.Stale):
            return False
        return True

    def _keep_again(self, batch: live.Batch, refused: list[live.Refusal], committed: int) -> None:
        """Dead letters of archived events, but for those that were counted, and so refused, before."""
        events = dict(batch.accepted)
        fresh = [(self._record(batch.partition, r.offset, events[r.offset]), r.reason, r.detail) for r in refused if r.offset >= committed]
        if fresh:
            self.servers.on_kafka(lambda: self.dead_letters.send(fresh))

    def _record(self, partition: int, offset: int, event: Event) -> DeadRecord:
        return DeadRecord(self.log.topic, partition, offset, int(event.event_time.timestamp() * 1000), event.key, encode(event))

    def tell_progress(self) -> None:
        """How far each partition that is being rebuilt has come, for the page."""
        for claim in list(self.member.claims.values()):
            self._tell_progress(claim)

    def _tell_progress(self, claim: live.Claim) -> None:
        if (span := self.rebuilding.get(claim.partition)) is None:
            return
        first, stop = span
        self.servers.on_redis(lambda: self.progress.done(claim.partition, min(claim.next, stop) - first))
        if claim.next >= stop:
            del self.rebuilding[claim.partition]
            self.servers.on_redis(self.progress.finish_if_done)

    # -- what was lost ------------------------------------------------------------------------------

    def check_state(self) -> None:
        """Redis may have lost its last second, or everything, while nothing came for a partition."""
        by_number = {partition.partition: partition for partition in self.member.claims}
        for claim in self.servers.on_redis(lambda: self.state.broken(self.member.claims.values())):
            if claim.partition in by_number:
                self.lost(by_number[claim.partition])

    def lost(self, partition: TopicPartition) -> None:
        """Claim again what Redis forgot, wholly or in part; leave to its new writer what has one."""
        claim = self.member.claims.pop(partition, None)
        if claim is None:
            return
        if self.servers.on_redis(self.state.retired):
            self.worker.say(f"the live state was rebuilt: going on with partition {partition.partition} in the new one")
            self.member.on_partitions_assigned([partition])
            return
        writer, offset = self.servers.on_redis(lambda: self.state.stored(partition.partition))
        if offset is None:
            self.worker.say(f"the live state of partition {partition.partition} is gone from Redis")
        elif writer == claim.writer:
            self.worker.say(f"Redis went back from offset {claim.next} to {offset} of partition {partition.partition}; counting from there")
        else:
            self.worker.say(f"partition {partition.partition} has another writer; joining the group again")
            self.member.rejoin()
            return
        self.member.on_partitions_assigned([partition])
