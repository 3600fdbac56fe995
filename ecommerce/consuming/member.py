"""One member of the consumer group: its Kafka client, the partitions it holds, and joining anew where nothing else helps."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterable

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import FencedInstanceIdError, KafkaError, UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from ecommerce import live, record_batches, stream
from ecommerce.consuming.servers import Servers
from ecommerce.record_batches import Record
from ecommerce.stall_watch import StallWatch
from ecommerce.worker import one_line

POLL_MS = 200
COMMIT_SECONDS = 1.0
PATIENCE, LONGEST_PATIENCE = 20.0, 600.0
"""Without partitions for so long, seconds: spare members wait longer each time."""


class Member(ConsumerRebalanceListener):
    """``claims`` are the partitions that it counts; ``unclaimed`` those that the group gave it, paused until they are claimed."""

    def __init__(self, servers: Servers, log: stream.Log) -> None:
        self.servers, self.worker, self.log = servers, servers.worker, log
        self.name = f"{self.worker.name}-{uuid.uuid5(uuid.NAMESPACE_URL, f'//{socket.gethostname()}{servers.config.var_dir}').hex[:12]}"
        self.claims: dict[TopicPartition, live.Claim] = {}
        self.unclaimed: set[TopicPartition] = set()
        self.stalls, self.ends = StallWatch(), dict[int, int]()
        self.patience = PATIENCE
        self.committed = self.last_records = time.monotonic()
        self._join()

    # -- joining ------------------------------------------------------------------------------------

    def _join(self) -> None:
        options = {
            **self.servers.config.kafka_options,
            **stream.CONSUMER_OPTIONS,
            "group_id": f"{self.log.topic}.live",
            "group_instance_id": self.name,
        }
        self.kafka = self.servers.on_kafka(lambda: KafkaConsumer(**options))
        self.to_plain = record_batches.use(self.kafka, self.servers.config.record_decoder)
        self.servers.meanwhile = self.stay
        # A group whose leader does not know the topic yet shares out nothing, and a static member keeps that nothing.
        self.servers.on_kafka(self._know_partitions)
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

    def rejoin(self) -> None:
        """Leave the group and join again: somebody else owns what this member thought its own."""
        self.kafka.unsubscribe()
        self._subscribe()

    def _join_as_another(self) -> None:
        self.name = f"{self.name.partition('.')[0]}.{uuid.uuid4().hex[:6]}"
        self.kafka.close(autocommit=False, timeout_ms=2000)
        self._join()

    def check_joined(self) -> None:
        """Without partitions for long, or in a rebalance that does not end, join anew as another member."""
        if self.kafka.assignment() and self.kafka._coordinator.stable():
            self.without_since = time.monotonic()
        elif time.monotonic() - self.without_since > self.patience:
            self.worker.say(f"the group gave no partitions within {self.patience:.0f} s: joining it as a new member")
            self.patience = min(2 * self.patience, LONGEST_PATIENCE)
            self._join_as_another()

    def check_reading(self) -> None:
        """Where records wait and none are read, go on with a new client."""
        places = {p: self.kafka.position(p, timeout_ms=1000) for p in self.claims if p in self.kafka.assignment()}
        positions = {p.partition: place for p, place in places.items() if place is not None}
        waits = self.stalls.unmoved(positions)
        self.ends = self.servers.on_kafka(lambda: stream.ends(self.servers.config, places)) if waits else {}
        if stalled := self.stalls.stalled(positions, self.ends):
            self.worker.say(f"records wait in partitions {stalled} and none are read: joining the group with a new client")
            self._join_as_another()

    def stay(self) -> None:
        """Poll without fetching, so that a pause is not taken for a death."""
        self.kafka.pause(*self.kafka.assignment())
        self.kafka.poll(0)

    # -- what the group gives and takes -------------------------------------------------------------

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

    def to_claim(self) -> list[TopicPartition]:
        """The partitions that wait to be claimed, in order."""
        # kafka-python leaves the callback out when a poll ends between an assignment and its callback.
        if unknown := self.kafka.assignment() - self.claims.keys() - self.unclaimed:
            self.on_partitions_assigned(unknown)
        return sorted(self.unclaimed)

    def claimed(self, partition: TopicPartition, claim: live.Claim) -> None:
        """Count ``partition`` on from the claim's next offset."""
        self.kafka.seek(partition, claim.next)
        self.claims[partition] = claim
        self.unclaimed.discard(partition)

    def resume(self) -> None:
        """Fetch of everything that is claimed."""
        self.kafka.resume(*(self.kafka.paused() - self.unclaimed))

    # -- reading ------------------------------------------------------------------------------------

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

    def lag(self) -> int:
        """Records behind the log's end, as far as this member knows that."""
        ends = {p: self.kafka.highwater(p) or self.ends.get(p.partition, 0) for p in self.claims if p in self.kafka.assignment()}
        return sum(max(0, end - self.claims[p].next) for p, end in ends.items())

    def close(self) -> None:
        self.kafka.close(autocommit=False, timeout_ms=5000)
