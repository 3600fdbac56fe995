"""Count the shop's events live: Kafka to Redis, each event once, whatever stops in between.

Records of one poll are decoded, judged and summed, then one atomic step a partition adds the sums and
moves the stored offset (ecommerce/live). What is refused goes to the dead-letter topic before that.
The parts are in ecommerce/consuming: the servers, the place in the group, claiming, counting.
"""

from __future__ import annotations

import argparse
import sys
import time

from kafka import TopicPartition
from kafka.errors import FencedInstanceIdError

from ecommerce import live, refusal_guard, stream
from ecommerce.batches import BatchReader
from ecommerce.config import Settings, settings
from ecommerce.consuming.claiming import Claimer
from ecommerce.consuming.counting import Counter
from ecommerce.consuming.member import Member
from ecommerce.consuming.servers import Servers
from ecommerce.dead_letters import DeadLetters
from ecommerce.errors import PlatformError
from ecommerce.record_batches import Record
from ecommerce.refusal_guard import RefusalGuard
from ecommerce.shops import shops
from ecommerce.suppression import Suppression
from ecommerce.worker import Stopped, Worker, collect_seldom

CHECK_SECONDS = 5.0
BUSY_RECORDS = 1000
"""A poll with fewer is caught up: its last batch is waited for at once."""


class Consumer:
    """One member of the consumer group, and what it counts."""

    def __init__(self, worker: Worker, config: Settings) -> None:
        self.worker, self.config = worker, config
        self.checked = self.rate_from = time.monotonic()
        self.member: Member | None = None
        self.dead_letters: DeadLetters | None = None

    def connect(self, new_generation: bool, accept_refused: bool) -> None:
        """Wait for Redis and Kafka and join the group."""
        servers = self.servers = Servers(self.worker, self.config)
        if new_generation:
            number = live.new_generation(servers.redis)
            self.worker.say(f"counting the archive and the topic from their beginning into generation {number}")
        log = self.log = servers.on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        state = servers.on_redis(lambda: live.LiveWriter(servers.redis, live.Origin(*log[:3]), shops()))
        stop = servers.on_redis(lambda: refusal_guard.halted(servers.redis))
        guard = RefusalGuard(strict=bool(stop), accepted=accept_refused or "accepted" in stop)
        self.dead_letters = servers.on_kafka(lambda: DeadLetters(self.config, log.topic_id))
        reader = BatchReader(shops(), Suppression(self.config))
        self.member = Member(servers, log)
        self.claimer = Claimer(self.member, state, self.dead_letters, reader.suppression, accept_gap=new_generation)
        self.counter = Counter(self.claimer, reader, guard)
        self.worker.say(f"reading {log.topic} ({log.partitions} partitions) from {self.config.kafka_name}")

    def claim(self) -> None:
        """Claim what the group has given since, and fetch of all that is claimed."""
        if partitions := self.member.to_claim():
            self.counter.settle()
            self.claimer.claim(partitions)
        self.member.resume()

    def poll(self) -> dict[TopicPartition, list[Record]]:
        """The next records by partition; empty where nothing came."""
        return self.member.poll()

    def count(self, polled: dict[TopicPartition, list[Record]]) -> None:
        """Count what was polled; a consumer that has caught up waits until Redis has it."""
        for partition, records in polled.items():
            self.counter.count(partition, records)
        if sum(map(len, polled.values())) < BUSY_RECORDS:
            self.counter.settle()

    def report(self) -> None:
        """Heartbeat: records behind, records a second, partitions owned."""
        elapsed = time.monotonic() - self.rate_from
        if elapsed >= 1:
            self.worker.beat(state="running", rate=round(self.counter.records / elapsed, 1))
            self.counter.records, self.rate_from = 0, time.monotonic()
            self.claimer.tell_progress()
        self.worker.beat(lag=self.member.lag(), partitions=sorted(p.partition for p in self.member.claims))

    def check(self) -> None:
        """Now and then: is the state still there, and after a silence, is Kafka, with the same topic?"""
        if time.monotonic() - self.checked >= CHECK_SECONDS:
            self.checked = time.monotonic()
            self.counter.settle()
            self.claimer.check_state()
            self.member.check_reading()
        if time.monotonic() - self.member.last_records >= CHECK_SECONDS:
            self._check_log()
        self.member.check_joined()

    def _check_log(self) -> None:
        log = self.servers.on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.member.last_records = time.monotonic()
        if log[:3] != self.log[:3]:
            raise live.StateError(
                f"topic {log.topic} was made again (id {log.topic_id}, was {self.log.topic_id}) while it was being counted. Start the "
                "consumer once with --new-generation to count the new one",
                "another_log",
            )

    def stop(self) -> None:
        """Finish what is under way, and tell Kafka how far that is."""
        self.counter.settle()
        self.member.commit(wait=True)

    def close(self) -> None:
        for part in (self.member, self.dead_letters):
            if part:
                part.close()


def run(consumer: Consumer, new_generation: bool, accept_refused: bool) -> None:
    """Until asked to stop: claim, poll, count, report."""
    consumer.connect(new_generation, accept_refused)
    collect_seldom()
    while not consumer.worker.stopping:
        consumer.claim()
        consumer.count(consumer.poll())
        consumer.member.commit()
        consumer.report()
        consumer.check()
    consumer.stop()


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
        worker = Worker.of(settings(), arguments.name).start()
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
