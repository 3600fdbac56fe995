"""One drill's stream: its topics, its Redis, its programs, its traffic, and how long it took to recover."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from redis import Redis, RedisError

from drills.bench import Bench
from drills.errors import DrillFailed
from drills.produced import Produced
from drills.programs import Kept, environment, start_server
from drills.traffic import Record, Sender
from drills.truth import Truth
from ecommerce import topics
from ecommerce.config import PROJECT_DIR
from ecommerce.live import keys
from ecommerce.local import servers

RECOVERY_SECONDS = 90
POLL_SECONDS = 0.05


class World:
    """The stream of one run of a drill, in ``folder``, with the programs of ``code`` (the product's, or a control's copy)."""

    def __init__(self, bench: Bench, folder: Path, code: Path = PROJECT_DIR) -> None:
        self.bench, self.folder, self.code = bench, folder, code
        name = f"drill.{folder.name}"
        own = {"var_dir": folder / "var", "lake_dir": folder / "lake", "redis_port": servers.free_port()}
        self.settings = replace(bench.settings, **own, kafka_topic=name, kafka_dlq_topic=f"{name}.dlq")
        self.stack = ExitStack()
        self.programs: list[Kept] = []
        self.traffic: Sender | Produced | None = None
        self.differences: list[str] = []
        self._sendings = 0
        self.recoveries: list[float] = []
        self.largest_consumer = 0
        self.notes: list[str] = []
        self._ends_reader: KafkaConsumer | None = None

    def __enter__(self) -> World:
        self.settings.var_dir.mkdir(parents=True)
        topics.prepare(self.settings)
        self.redis_server = start_server(self.settings, "redis")
        self.stack.callback(self.redis_server.close, kill=True)
        self.redis = Redis(**self.settings.redis_options, socket_timeout=5)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.traffic:
            self.traffic.stop()
        for program in self.programs:
            program.close(kill=True)
        self.stack.close()
        with suppress(KafkaError, OSError), closing(self.admin()) as admin:  # room for the next drill
            admin.delete_topics([self.settings.kafka_topic, self.settings.kafka_dlq_topic])

    # -- programs and traffic -----------------------------------------------------------------------

    def start(self, program: str, *arguments: str, **settings: object) -> Kept:
        """``kafka_scripts/<program>.py``, kept running; ``settings`` differ for it alone."""
        own = replace(self.settings, kafka_user=program, redis_user="consumer", **settings)
        command = [sys.executable, str(self.code / "kafka_scripts" / f"{program}.py"), *arguments]
        log = self.folder / f"{program}-{len(self.programs)}.log"
        self.programs.append(Kept(program, command, environment(own, self.code), log))
        return self.programs[-1]

    def send(self, source: Iterable[Record], limit: int = 0, rate: float = 0) -> Sender:
        """Send in the background; see :class:`Sender`."""
        self._sendings += 1
        self.traffic = Sender(self.settings, source, self.folder / f"acknowledged-{self._sendings}", limit, rate)
        self.traffic.start()
        return self.traffic

    def produce(self, rate: float, **settings: object) -> Produced:
        """Let the product's own producer send simulated traffic, which it keeps until it is acknowledged."""
        log = self.folder / "acknowledged.jsonl"
        program = self.start("producer", "--shop", "demo", "--rate", str(rate), "--ack-log", str(log), **settings)
        self.traffic = Produced(self.settings, program, log)
        return self.traffic

    def truth(self) -> Truth:
        """What the acknowledged records must have come to; what was acknowledged and lost is a difference."""
        truth = Truth().add(self.traffic.acknowledged())
        self.differences += self.traffic.lost()
        return truth

    def admin(self) -> KafkaAdminClient:
        """A client for topics and records; close it."""
        return KafkaAdminClient(**self.settings.kafka_options, bootstrap_timeout_ms=5000, request_timeout_ms=10_000)

    def forget(self, before: dict[int, int]) -> None:
        """Delete the log's records below an offset by partition, as retention does."""
        with closing(self.admin()) as admin:
            admin.delete_records({TopicPartition(self.settings.kafka_topic, number): offset for number, offset in before.items()})

    # -- where it stands ----------------------------------------------------------------------------

    def offsets(self) -> dict[int, int] | None:
        """The stored next offset of each partition; None while Redis does not answer."""
        try:
            generation = int(self.redis.hget(keys.HEADER, "generation") or 0)
            names = keys.Keys(generation)
            with self.redis.pipeline(transaction=False) as pipe:
                for number in range(self.settings.kafka_partitions):
                    pipe.hget(names.partition(number), "next")
                return {number: int(value) for number, value in enumerate(pipe.execute()) if value is not None}
        except RedisError:
            return None

    def writers(self) -> dict[int, str]:
        """The writer of each partition as "epoch:process"."""
        names = keys.Keys(int(self.redis.hget(keys.HEADER, "generation") or 0))
        found = {number: self.redis.hget(names.partition(number), "writer") for number in range(self.settings.kafka_partitions)}
        return {number: writer.decode() for number, writer in found.items() if writer}

    def applied(self) -> int | None:
        """Records that the live state has moved past, over all partitions; None while Redis does not answer."""
        offsets = self.offsets()
        return None if offsets is None else sum(offsets.values())

    def ends(self) -> dict[int, int] | None:
        """The log's end offsets; None while Kafka does not answer."""
        partitions = [TopicPartition(self.settings.kafka_topic, number) for number in range(self.settings.kafka_partitions)]
        try:
            if self._ends_reader is None:
                self._ends_reader = KafkaConsumer(**self.settings.kafka_options, bootstrap_timeout_ms=2000, enable_auto_commit=False)
            return {place.partition: end for place, end in self._ends_reader.end_offsets(partitions, timeout_ms=5000).items()}
        except (KafkaError, OSError):
            self._ends_reader = None
            return None

    def committed(self, group: str) -> dict[int, int]:
        """The offsets that a group of consumers has told Kafka."""
        with closing(self.admin()) as admin:
            found = admin.list_group_offsets(group)[group]
        return {place.partition: told.offset for place, told in found.items()}

    def quiet(self) -> bool:
        """All is sent, and the live state stands at the log's end."""
        if self.traffic and self.traffic.is_alive():
            return False
        offsets, ends = self.offsets(), self.ends()
        return offsets is not None and ends is not None and all(offsets.get(number, 0) == end for number, end in ends.items())

    def _watch(self) -> None:
        memory = max((program.memory() for program in self.programs if program.name == "consumer"), default=0)
        self.largest_consumer = max(self.largest_consumer, memory)
        if self.traffic and self.traffic.error:
            raise DrillFailed(f"the traffic ended: {self.traffic.error!r}")

    # -- waiting ------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], object], what: str, progress: Callable[[], object] = lambda: None) -> float:
        """The seconds until ``condition`` holds.

        Raises:
            DrillFailed: it does not within 90 seconds from now, or from the last change of ``progress``.
        """
        began = since = time.monotonic()
        seen = progress()
        while not condition():
            if (now := progress()) != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > RECOVERY_SECONDS:
                raise DrillFailed(f"{what}: not within {RECOVERY_SECONDS} s. {self.state()}")
            self._watch()
            time.sleep(POLL_SECONDS)
        return time.monotonic() - began

    def state(self) -> str:
        """Where it hangs: offsets, and the last words of the programs, which end here with their stacks in their logs."""
        words = "\n".join(f"--- {program.log.name}\n{program.tail()}" for program in self.programs)
        for program in self.programs:
            if program.process.poll() is None:
                program.abort()
        return f"Stored offsets {self.offsets()}, the log ends at {self.ends()}\n{words}"

    def wait_applied(self, records: int) -> None:
        """Return when the live state has moved past so many records."""
        self.wait(lambda: (self.applied() or 0) >= records, f"{records:,} records applied", self.applied)

    def wait_stalled(self) -> None:
        """Return when no record has been applied for a second."""
        seen, since = self.applied(), time.monotonic()

        def stalled() -> bool:
            nonlocal seen, since
            if (now := self.applied()) != seen:
                seen, since = now, time.monotonic()
            return time.monotonic() - since > 1

        self.wait(stalled, "the counting stands still")

    def wait_quiet(self) -> None:
        """Return when everything sent is counted, as far as the stored offsets say."""
        self.wait(self.quiet, "everything counted", self.applied)

    def recovered(self, position: Callable[[], int | None] | None = None) -> None:
        """Wait until ``position`` (default: the records applied) moves again, and note how long that took from now.

        Raises:
            DrillFailed: not within 90 seconds.
        """
        last: int | None = None

        def moves() -> bool:
            nonlocal last
            now = (position or self.applied)()
            moved = now is not None and last is not None and now > last
            last = now
            return moved or self.quiet()

        self.recoveries.append(self.wait(moves, "work goes on"))

    @contextmanager
    def broken(self, position: Callable[[], int | None] | None = None) -> Iterator[ExitStack]:
        """The body breaks something and waits; what it leaves in the yielded stack mends it, then recovery is timed."""
        with ExitStack() as mending:
            yield mending
        self.recovered(position)

    def hold_for(self, seconds: float) -> None:
        """Let a fault last: how long is what is drilled, not a wait for something."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._watch()
            time.sleep(POLL_SECONDS)
