"""Count the live state anew beside the one that serves, from the archive and Kafka, then swap in one step.

The new generation follows the old one's offsets and never passes them, so every refused record that it meets
is in the dead-letter topic already. Consumers go on meanwhile; after the swap they are fenced, claim their
partitions in the new generation and read on from its offsets.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from redis import Redis, RedisError

from ecommerce import letters, live, record_batches, refill, stream
from ecommerce.archived_log import ArchivedLog
from ecommerce.batches import BatchReader
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.live import generations, keys
from ecommerce.shops import shops
from ecommerce.suppression import Suppression

NEAR = 2000
"""So many records behind the serving generation are near enough to swap."""
ROUNDS = 10
STUCK_SECONDS = 60.0


class RebuildError(PlatformError):
    """The rebuild cannot start or was given up; the generation that serves is untouched."""


def rebuild(config: Settings, tell: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Rebuild the live state; ``tell`` gets records done and to do.

    Returns:
        The generation that serves now.

    Raises:
        RebuildError: there is nothing to rebuild, a server does not answer, or another rebuild took over.
        live.StateError: the state is another log's, or neither the archive nor Kafka holds what it counted.
    """
    try:
        redis = Redis(**config.redis_options, socket_timeout=30, socket_connect_timeout=5)
        log = stream.describe_log(config, config.kafka_topic)
        serving = generations.serving(redis)
        if serving is None:
            raise RebuildError("there is no live state in Redis: start the consumer, it counts the archive and the log by itself")
        live.LiveWriter(redis, live.Origin(*log[:3]), shops())
        return _Rebuild(config, redis, log, serving, tell).run()
    except (KafkaError, RedisError) as error:
        raise RebuildError(f"the rebuild was given up, the old state goes on serving: {type(error).__name__}: {error}") from error


class _Rebuild:
    def __init__(self, config: Settings, redis: Redis, log: stream.Log, serving: int, tell: Callable[[int, int], None]) -> None:
        self.config, self.redis, self.log, self.tell = config, redis, log, tell
        self.old = keys.Keys(serving)
        self.generation = generations.begin(redis)
        self.writer = live.LiveWriter(redis, live.Origin(*log[:3]), shops(), building=self.generation)
        self.progress = live.Progress(redis)
        self.reader = BatchReader(shops(), Suppression(config))
        self.claims: dict[int, live.Claim] = {}
        self.starts: dict[int, int] = {}

    def run(self) -> int:
        options = {**self.config.kafka_options, **stream.CONSUMER_OPTIONS}
        self.kafka = KafkaConsumer(**options)
        try:
            self._from_archive()
            self._from_kafka()
            if not generations.swap(self.redis, self.generation, range(self.log.partitions)):
                raise RebuildError("another rebuild has begun meanwhile; this one was given up")
            self.progress.end()
            return self.generation
        except BaseException:
            self._give_up()
            raise
        finally:
            self.kafka.close(autocommit=False, timeout_ms=5000)

    def _give_up(self) -> None:
        if self.redis.hget(keys.HEADER, "building") == str(self.generation).encode():
            self.redis.hdel(keys.HEADER, "building")
            self.redis.delete(keys.REBUILD)
        generations.drop(self.redis, self.generation)

    def _targets(self) -> dict[int, int]:
        """The serving generation's next offset of each partition that it counts."""
        found = {number: self.redis.hget(self.old.partition(number), "next") for number in range(self.log.partitions)}
        return {number: int(offset) for number, offset in found.items() if offset is not None}

    def _from_archive(self) -> None:
        archived = ArchivedLog(self.config.lake_dir, self.log.topic_id)
        targets = self._targets()
        places = {number: TopicPartition(self.log.topic, number) for number in targets}
        begins = self.kafka.beginning_offsets(list(places.values()), timeout_ms=10_000)
        plans = {
            number: refill.plan(
                f"{self.log.topic} partition {number}",
                None, refill.Bounds(begins[places[number]], target), target, archived.span(number),
            )
            for number, target in targets.items()
        }  # fmt: skip
        self.starts = {number: plan.start for number, plan in plans.items()}
        self.progress.begin({number: (plan.start, targets[number]) for number, plan in plans.items()})
        refused = letters.refusals(self.config, self.log, shops()) if any(p.stop > p.start for p in plans.values()) else {}
        for number, plan in plans.items():
            claim = self.claims[number] = self.writer.claim(number, plan.start)
            for batch in refill.batches(archived, claim, plan.stop, refused.get(number, []), self.reader.suppression):
                self._apply(claim, batch, targets)

    def _from_kafka(self) -> None:
        """Follow the serving generation until it is near; what comes after the swap is the consumers'."""
        for _ in range(ROUNDS):
            targets = {number: target for number, target in self._targets().items() if number in self.claims}
            behind = sum(max(0, target - self.claims[number].next) for number, target in targets.items())
            self._follow(targets)
            if behind <= NEAR:
                return

    def _follow(self, targets: dict[int, int]) -> None:
        left = {TopicPartition(self.log.topic, n): target for n, target in targets.items() if self.claims[n].next < target}
        self.kafka.assign(list(left))
        for place in left:
            self.kafka.seek(place, self.claims[place.partition].next)
        moved = time.monotonic()
        while left:
            polled = self.kafka.poll(500)
            for place, records in polled.items():
                claim, moved = self.claims[place.partition], time.monotonic()
                wanted = [record for record in record_batches.plain(records) if record[0] < targets[place.partition]]
                if wanted:
                    self._apply(claim, self.reader.read(place.partition, claim.next, wanted), targets)
            for place in [place for place, target in left.items() if (self.kafka.position(place, timeout_ms=5000) or 0) >= target]:
                del left[place]
                self.kafka.pause(place)
            if time.monotonic() - moved > STUCK_SECONDS:
                raise RebuildError(
                    f"Kafka gave no record of {', '.join(map(str, left))} for {STUCK_SECONDS:.0f} s; the old state goes on serving"
                )

    def _apply(self, claim: live.Claim, batch: live.Batch, targets: dict[int, int]) -> None:
        self.writer.apply(claim, batch, lambda refused: None, past=True)
        self.progress.done(claim.partition, claim.next - self.starts[claim.partition])
        done = sum(self.claims[number].next - self.starts[number] for number in self.claims)
        self.tell(done, sum(target - self.starts[number] for number, target in targets.items()))
