"""Kafka and Redis of the benchmark's own, the peers' environment, and running one contender."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kafka import KafkaAdminClient
from redis import Redis

from benchmarks.stream import traffic
from ecommerce import topics
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.errors import PlatformError
from ecommerce.local import servers

HERE = Path(__file__).parent
FOLDER = PROJECT_DIR / "var" / "bench-stream"
PEERS = FOLDER / "peers"
CONTENDER_SECONDS = 240


class BenchError(PlatformError):
    """A contender or a server did not do what it should; the message holds the end of its output."""


@dataclass(frozen=True)
class Result:
    """One run: events consumed, wall seconds, CPU seconds of the contender's process and of Redis."""

    events: int
    wall: float
    cpu: float
    redis_cpu: float

    @property
    def rate(self) -> float:
        """Events a second of the wall clock."""
        return self.events / self.wall

    @property
    def cost(self) -> float:
        """CPU microseconds of the process an event."""
        return self.cpu / self.events * 1e6

    @property
    def redis_cost(self) -> float:
        """CPU microseconds of Redis an event."""
        return self.redis_cpu / self.events * 1e6


def prepare_peers() -> Path:
    """The Python of the peers' environment, made or brought up to its lock file."""
    lock, stamp, python = HERE / "requirements.txt", PEERS / "lock.txt", PEERS / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        shutil.rmtree(PEERS, ignore_errors=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(PEERS)], check=True)
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(lock)], check=True)
        stamp.write_text(lock.read_text())
    return python


class World:
    """The servers' settings, and the topics that were filled."""

    def __init__(self, settings: Settings, peers: Path) -> None:
        self.settings, self._peers = settings, peers
        self.redis = Redis(**settings.redis_options)

    def topic(self, name: str, partitions: int = 4) -> Settings:
        """Settings with a new topic ``name`` and its dead letters."""
        own = replace(self.settings, kafka_topic=name, kafka_dlq_topic=f"{name}.dlq", kafka_partitions=partitions)
        topics.prepare(own)
        return own

    def filled(self, name: str, count: int, mix: traffic.Mix, partitions: int = 4) -> Settings:
        """A new topic with ``count`` events, and shops that know them."""
        own = self.topic(name, partitions)
        if mix.shops:
            own = replace(own, shops_file=FOLDER / f"shops-{mix.shops}.toml")
            own.shops_file.write_text(traffic.shops_file(mix.shops))
        traffic.fill(own, name, traffic.events(count, mix))
        return own

    def drop(self, settings: Settings) -> None:
        """Delete a topic: it has been read."""
        client = KafkaAdminClient(**settings.kafka_options)
        client.delete_topics([settings.kafka_topic, settings.kafka_dlq_topic])
        client.close()

    def environment(self, settings: Settings, count: int) -> dict[str, str]:
        """Variables of a contender: the platform's settings, and the same for peers as JSON."""
        bench = {
            "bootstrap": settings.kafka_bootstrap,
            "user": settings.kafka_user,
            "password": settings.secret(f"kafka_{settings.kafka_user}_password"),
            "topic": settings.kafka_topic,
            "count": count,
            "redis": settings.redis_options,
            "folder": str(FOLDER),
        }
        path = os.pathsep.join([str(PROJECT_DIR), str(HERE / "contenders")])
        return {**os.environ, **servers.environment(settings), "BENCH": json.dumps(bench), "PYTHONPATH": path}

    def start(self, settings: Settings, count: int, script: str, *arguments: str) -> subprocess.Popen[str]:
        """A contender as a child process: ``ours`` and ``kafka_python`` in our environment, others in the peers'."""
        python = sys.executable if script in ("ours", "kafka_python") else str(self._peers)
        command = [python, str(HERE / "contenders" / f"{script}.py"), *arguments]
        environment = self.environment(settings, count)
        return subprocess.Popen(command, env=environment, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, settings: Settings, count: int, script: str, *arguments: str) -> Result:
        """Let one contender consume ``count`` events into an empty Redis.

        Raises:
            BenchError: it failed or took too long.
        """
        self.redis.flushall()
        before = self._redis_cpu()
        process = self.start(settings, count, script, *arguments)
        try:
            out, err = process.communicate(timeout=CONTENDER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise BenchError(f"{script} {' '.join(arguments)} took longer than {CONTENDER_SECONDS} s:\n{err[-2000:]}") from None
        results = [line for line in out.splitlines() if line.startswith('{"events"')]
        if process.returncode or not results:
            raise BenchError(f"{script} {' '.join(arguments)} failed ({process.returncode}):\n{out[-1000:]}\n{err[-2000:]}")
        return Result(**json.loads(results[-1]), redis_cpu=self._redis_cpu() - before)

    def _redis_cpu(self) -> float:
        info = self.redis.info("cpu")
        return info["used_cpu_user"] + info["used_cpu_sys"]


@contextmanager
def running() -> Iterator[World]:
    """A world whose servers run until the end."""
    peers = prepare_peers()
    folder = FOLDER / "run"
    shutil.rmtree(folder, ignore_errors=True)
    settings = servers.isolated_settings(folder)
    with servers.running(settings, "redis", "kafka"):
        yield World(settings, peers)
