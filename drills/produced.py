"""The traffic of kafka_scripts/producer.py: its acknowledgement log, joined with what the topic holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from drills.programs import Kept
from drills.traffic import Acked
from ecommerce.config import Settings


class Produced:
    """A running producer; :meth:`stop` lets it finish what it has taken. ``error`` is an exit that was not asked for."""

    def __init__(self, settings: Settings, program: Kept, log: Path) -> None:
        self._settings, self._program, self._log = settings, program, log
        self._stopped = False
        self._lost: list[str] = []

    @property
    def error(self) -> str | None:
        return f"exit codes {self._program.exit_codes}" if self._program.exit_codes and not self._stopped else None

    def is_alive(self) -> bool:
        return not self._stopped

    def stop(self) -> None:
        """SIGTERM; returns when the producer has all acknowledgements it will get."""
        if not self._stopped:
            self._stopped = True
            code = self._program.close()
            self._lost += [f"the producer ended with exit code {code}"] if code else []

    @property
    def acked(self) -> int:
        return len(self._acked_ids())

    def _acked_ids(self) -> set[str]:
        return {json.loads(line)["event_id"] for line in self._log.read_bytes().splitlines()}

    def acknowledged(self) -> Iterator[Acked]:
        """The topic's records whose event was acknowledged, by partition and offset; what is lost or strange is noted."""
        wanted, found, strange = self._acked_ids(), set(), 0
        for record in read_topic(self._settings):
            event_id = json.loads(record.value)["event_id"]
            if event_id in wanted:
                found.add(event_id)
                yield record
            else:
                strange += 1
        if wanted - found:
            self._lost.append(f"{len(wanted - found):,} of {len(wanted):,} acknowledged events are not in the topic")
        if strange:
            self._lost.append(f"the topic holds {strange:,} events that were never acknowledged")

    def lost(self) -> list[str]:
        return self._lost


def read_topic(settings: Settings) -> Iterator[Acked]:
    """Every record of the events topic, each partition in order."""
    reader = KafkaConsumer(**settings.kafka_options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        partitions = [TopicPartition(settings.kafka_topic, number) for number in range(settings.kafka_partitions)]
        reader.assign(partitions)
        ends = reader.end_offsets(partitions)
        while any(reader.position(place) < ends[place] for place in partitions):
            for place, records in reader.poll(500).items():
                for record in records:
                    yield Acked(place.partition, record.offset, record.timestamp, record.value)
    finally:
        reader.close()
