"""A Redis, topics and a lake of a test's own on the session's Kafka, and the stream's programs as child processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis

from ecommerce import events, shops, topics
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.live import LiveState
from ecommerce.local import servers


def wait_until(condition: Callable[[], object], seconds: float = 60, what: str = "the condition") -> None:
    """Return when ``condition`` holds; fail with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} not within {seconds} s"
        time.sleep(0.02)


class World:
    """Settings of a stream of its own, what was sent to it, and its state."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = Redis(**settings.redis_options)
        self.sent = 0
        self._programs: list[subprocess.Popen] = []
        self._producer = KafkaProducer(**settings.kafka_options, linger_ms=20)

    def send(self, records: Iterable[events.Event | bytes]) -> None:
        """Send and wait for the acknowledgement of each; events get their key, bytes go as they are."""
        waiting = []
        for record in records:
            raw, key = (record, b"raw") if isinstance(record, bytes) else (events.encode(record), record.key)
            waiting.append(self._producer.send(self.settings.kafka_topic, key=key, value=raw))
        self._producer.flush()
        for future in waiting:
            future.get(timeout=10)
        self.sent += len(waiting)

    def start(self, program: str, *arguments: str) -> subprocess.Popen:
        """``kafka_scripts/<program>.py``; its messages are in ``log(program)``."""
        log = self.settings.var_dir / f"{program}.log"
        command = [sys.executable, str(PROJECT_DIR / "kafka_scripts" / f"{program}.py"), *arguments]
        environment = {**os.environ, **servers.environment(self.settings), "PYTHONPATH": str(PROJECT_DIR), "PYTHONFAULTHANDLER": "1"}
        with log.open("ab") as output:
            self._programs.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output))
        return self._programs[-1]

    def log(self, program: str) -> str:
        return (self.settings.var_dir / f"{program}.log").read_text()

    def applied(self) -> int:
        """Records that the live state has moved past, over all partitions."""
        return sum(int(self.redis.hget(key, "next") or 0) for key in self.redis.scan_iter("live:*:partition:*"))

    def wait_applied(self, count: int | None = None) -> None:
        wanted = self.sent if count is None else count
        try:
            wait_until(lambda: self.applied() >= wanted, what=f"{wanted} records applied")
        except AssertionError as error:
            raise AssertionError(f"{error}; applied {self.applied()}\n{self._where_they_hang()}") from None

    def _where_they_hang(self) -> str:
        """The consumer's messages, and the stack of each program that still runs."""
        for program in self._programs:
            if program.poll() is None:
                program.send_signal(signal.SIGABRT)
                program.wait(10)
        return self.log("consumer")

    def snapshot(self, shop_id: str, day) -> dict:
        return LiveState(self.redis).snapshot(shops.shop(shop_id), day)

    def dead_letters(self) -> list[tuple[dict[str, str], bytes]]:
        """Headers and value of every dead letter."""
        reader = KafkaConsumer(**self.settings.kafka_options, enable_auto_commit=False, auto_offset_reset="earliest")
        partition = TopicPartition(self.settings.kafka_dlq_topic, 0)
        reader.assign([partition])
        end, found = reader.end_offsets([partition])[partition], []
        while len(found) < end:
            for records in reader.poll(500).values():
                found += [({name: value.decode() for name, value in record.headers}, record.value) for record in records]
        reader.close()
        return found

    def close(self) -> None:
        for program in self._programs:
            if program.poll() is None:
                program.kill()
                program.wait()
        self._producer.close()
        self.redis.close()


def stop(program: subprocess.Popen) -> int:
    """SIGTERM, and the exit code."""
    program.send_signal(signal.SIGTERM)
    return program.wait(30)


def _secrets_of_both(kafka: Settings, redis: Settings, folder: Path) -> Path:
    """The servers of a world may have been started with secrets of their own."""
    shutil.copytree(redis.secrets_dir, folder)
    for secret in kafka.secrets_dir.glob("kafka_*"):
        shutil.copy(secret, folder)
    return folder


@contextmanager
def own_world(kafka: Settings, folder, redis: Settings):
    """A world on the server of ``redis``, emptied, with topics of its own."""
    name = f"test.{uuid.uuid4().hex[:8]}"
    own = replace(
        redis,
        secrets_dir=_secrets_of_both(kafka, redis, folder / "secrets"),
        kafka_bootstrap=kafka.kafka_bootstrap,
        kafka_topic=name,
        kafka_dlq_topic=f"{name}.dlq",
        var_dir=folder / "var",
        lake_dir=folder / "lake",
    )
    own.var_dir.mkdir(parents=True, exist_ok=True)
    topics.prepare(own)
    made = World(own)
    made.redis.flushall()
    try:
        yield made
    finally:
        made.close()
