"""Archive the shop's events: Kafka to Parquet in the lake, each event once, by shop-day.

Valid events are gathered, then written when there are enough of them, when they are old enough, or at
the end; Kafka is told the offsets after the files are published (ecommerce/archive).
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from ecommerce import record_batches, stream
from ecommerce.archive import Archive, Archived, ArchiveInUse
from ecommerce.config import ConfigError, Settings, settings
from ecommerce.event_reader import EventReader
from ecommerce.lake import LakeError
from ecommerce.shops import shops
from ecommerce.suppression import Suppression, SuppressionError
from ecommerce.worker import Stopped, Worker, one_line

POLL_MS = 200
QUIET_SECONDS = 5.0
CLOSE_SECONDS = 600.0


class LogError(Exception):
    """The log no longer holds what the archive lacks, or is another one; the message says what to do."""


class Archiver:
    """The one reader of all partitions for the lake. ``flush_rows`` events or ``flush_seconds`` make a flush."""

    def __init__(self, worker: Worker, config: Settings, flush_rows: int, flush_seconds: float) -> None:
        self.worker, self.config = worker, config
        self.flush_rows, self.flush_seconds = flush_rows, flush_seconds
        self.kafka_name = config.kafka_name
        self.suppression = Suppression(config)
        self.reader = EventReader(shops())
        self.rows: list[Archived] = []
        self.ends: dict[int, int] = {}
        self.oldest: float | None = None
        self.last_records = time.monotonic()
        self.closed = 0.0

    def connect(self, skip_lost: bool) -> None:
        """Take the lake's archive, wait for Kafka, and go to where the archive ends."""
        self.log = self._on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.archive = Archive(self.config.lake_dir, self.log, shops())
        options = {**self.config.kafka_options, **stream.CONSUMER_OPTIONS, "group_id": f"{self.log.topic}.archiver"}
        self.kafka = self._on_kafka(lambda: KafkaConsumer(**options))
        partitions = [TopicPartition(self.log.topic, number) for number in range(self.log.partitions)]
        self.kafka.assign(partitions)
        begins = self._on_kafka(lambda: self.kafka.beginning_offsets(partitions, timeout_ms=5000))
        for partition in partitions:
            self.kafka.seek(partition, self._start(partition, begins[partition], skip_lost))
        self.worker.say(f"archiving {self.log.topic} ({self.log.partitions} partitions) from {self.kafka_name} to {self.config.lake_dir}")

    def _on_kafka(self, attempt):
        return self.worker.wait_for(self.config.kafka_awaited, attempt, stream.KAFKA_AWAY)

    def _start(self, partition: TopicPartition, begin: int, skip_lost: bool) -> int:
        """Where the archive ends, as the lake says, or Kafka; the log's beginning for a partition that was never archived."""
        number = partition.partition
        committed = self._on_kafka(lambda: self.kafka.committed(partition, timeout_ms=5000))
        archived = self.archive.archived(number)
        start = committed if archived is None else archived
        end = self._on_kafka(lambda: self.kafka.end_offsets([partition], timeout_ms=5000))[partition]
        if start is not None and start > end:
            raise LogError(
                f"partition {number}: archived up to offset {start}, but the log ends at {end}: it lost its tail, and its next records "
                "would take the places of archived ones. Make the topic again (its new id keeps the two apart)"
            )
        if start is not None and start < begin:
            lost = f"partition {number}: archived up to offset {start}, but the log begins at {begin}: {begin - start} records are gone"
            if not skip_lost:
                raise LogError(f"{lost}. Start the archiver once with --skip-lost to go on without them")
            self.worker.say(f"{lost}; going on without them")
            start = archived = None
        if archived is None:
            self.archive.begin(number, begin if start is None else 0, begin if start is None else start)
        return begin if start is None else start

    def gather(self) -> None:
        """Poll once and keep the valid events; the consumer sends the others to the dead-letter topic."""
        try:
            polled = self.kafka.poll(POLL_MS)
        except KafkaError as error:
            raise LogError(f"reading failed: {one_line(error)}. Start the archiver again") from error
        for partition, records in polled.items():
            self.last_records = time.monotonic()
            accepted, _ = self.reader.read(record_batches.plain(records))
            self.rows += [Archived(partition.partition, offset, event) for offset, event in accepted]
            self.ends[partition.partition] = records[-1].offset + 1
        if self.ends and self.oldest is None:
            self.oldest = time.monotonic()

    def is_due(self) -> bool:
        """Enough events, or old enough ones."""
        old = self.oldest is not None and time.monotonic() - self.oldest >= self.flush_seconds
        return old or len(self.rows) >= self.flush_rows

    def flush(self) -> None:
        """Files and manifests first, then the offsets."""
        if self.ends:
            self.suppression.refresh()
            rows = [row._replace(event=self.suppression.anonymous(row.event)) for row in self.rows]
            written = self.worker.wait_for(f"the lake at {self.config.lake_dir}", lambda: self.archive.write(rows, self.ends), (OSError,))
            self._commit()
            self.worker.beat(written=written)
        self.rows, self.ends, self.oldest = [], {}, None

    def _commit(self) -> None:
        offsets = {TopicPartition(self.log.topic, number): OffsetAndMetadata(end, "", -1) for number, end in self.ends.items()}
        try:
            self.kafka.commit(offsets, timeout_ms=5000)
        except KafkaError as error:
            self.worker.say(f"the offsets could not be told to Kafka ({one_line(error)}); the manifests have them")

    def report(self) -> None:
        """Heartbeat: records behind, events gathered."""
        partitions = self.kafka.assignment()
        lag = sum(max(0, (self.kafka.highwater(p) or 0) - (self.kafka.position(p, timeout_ms=100) or 0)) for p in partitions)
        self.worker.beat(state="running", lag=lag, gathered=len(self.rows))

    def close_days(self) -> None:
        """Now and then: few files for each day that is over."""
        if time.monotonic() - self.closed < CLOSE_SECONDS:
            return
        self.closed = time.monotonic()
        what = f"the lake at {self.config.lake_dir}"
        if days := self.worker.wait_for(what, lambda: self.archive.close_days(datetime.now(UTC)), (OSError,)):
            self.worker.say(f"merged the files of {days} shop-days that are over")

    def check_log(self) -> None:
        """After a silence: is Kafka there, and is the topic still the same?"""
        if time.monotonic() - self.last_records < QUIET_SECONDS:
            return
        log = self._on_kafka(lambda: stream.describe_log(self.config, self.config.kafka_topic))
        self.last_records = time.monotonic()
        if log != self.log:
            raise LogError(f"topic {log.topic} was made again or has other partitions: {self.log} is now {log}. Start the archiver again")

    def close(self) -> None:
        for resource in ("kafka", "archive"):
            if hasattr(self, resource):
                getattr(self, resource).close()


def run(archiver: Archiver, skip_lost: bool) -> None:
    """Until asked to stop: gather, flush when due, report; then flush the rest."""
    archiver.connect(skip_lost)
    while not archiver.worker.stopping:
        archiver.gather()
        if archiver.is_due():
            archiver.flush()
        archiver.report()
        archiver.close_days()
        archiver.check_log()
    archiver.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flush-rows", type=int, default=20_000, help="events that make a flush (default: %(default)s)")
    parser.add_argument("--flush-seconds", type=float, default=15.0, help="age that makes a flush (default: %(default)s)")
    parser.add_argument("--skip-lost", action="store_true", help="go on where the log begins though records before it were never archived")
    return parser.parse_args()


def main() -> int:
    """Exit code 0 after a stop that was asked for, 1 where the lake, the log or the settings need a person."""
    arguments = _arguments()
    worker = None
    try:
        worker = Worker.of(settings(), "archiver").start()
        archiver = Archiver(worker, settings(), arguments.flush_rows, arguments.flush_seconds)
        try:
            run(archiver, arguments.skip_lost)
        finally:
            archiver.close()
    except Stopped:
        pass
    except (ConfigError, SuppressionError, ArchiveInUse, LogError, LakeError) as error:
        print(f"archiver: {error}", file=sys.stderr)
        return 1
    worker.say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
