"""The producer on a real Kafka: what it says was acknowledged is in the topic, whatever happens to the broker."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import lake_day
import pytest
from kafka import KafkaConsumer, TopicPartition

from ecommerce import simulator
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.events import decode
from ecommerce.local import servers
from ecommerce.local.server import LocalError
from ecommerce.shops import Shop

pytestmark = pytest.mark.servers
SHOP = Shop("demo", "Demo shop", "Europe/Berlin", "EUR", True)
DAY = date(2026, 3, 5)


@contextmanager
def producer(settings: Settings, log: Path, *arguments: str):
    """The running producer; its messages go to the file ``log``."""
    command = [sys.executable, str(PROJECT_DIR / "kafka_scripts" / "producer.py"), *arguments]
    environ = {**os.environ, **servers.environment(settings), "PYTHONPATH": str(PROJECT_DIR)}
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, env=environ, stderr=stderr)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def until(condition, seconds: float = 60) -> None:
    """Return when ``condition`` holds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def acknowledged(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def topic(settings: Settings, start: dict[TopicPartition, int] | None = None) -> list[tuple[int, int, bytes, bytes]]:
    """(partition, offset, key, value) of every record from ``start``, or from the beginning, to the end of the topic."""
    found = []
    consumer = KafkaConsumer(**settings.kafka_options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        ends = consumer.end_offsets(partitions(settings))
        consumer.assign(list(ends))
        for partition in ends:
            consumer.seek(partition, (start or {}).get(partition, 0))
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(1_000).values():
                found += [(record.partition, record.offset, record.key, record.value) for record in records]
    finally:
        consumer.close()
    return found


def partitions(settings: Settings) -> list[TopicPartition]:
    return [TopicPartition(settings.kafka_topic, number) for number in range(settings.kafka_partitions)]


def ends(settings: Settings) -> dict[TopicPartition, int]:
    consumer = KafkaConsumer(**settings.kafka_options)
    try:
        return consumer.end_offsets(partitions(settings))
    finally:
        consumer.close()


def test_what_is_acknowledged_lies_at_its_offset_and_a_visitor_in_one_partition(kafka, tmp_path):
    start, acks, log = ends(kafka), tmp_path / "acks", tmp_path / "log"
    with producer(kafka, log, "--rate", "400", "--seconds", "5", "--ack-log", str(acks)) as process:
        assert process.wait(60) == 0
    records = topic(kafka, start)
    events = {decode(value).event_id: (partition, offset) for partition, offset, _, value in records}
    assert {ack["event_id"]: (ack["partition"], ack["offset"]) for ack in acknowledged(acks)} == events
    assert 0 < len(events) == len(records) < 2_400
    homes: dict[bytes, set[int]] = {}
    for partition, _, key, value in records:
        assert key == decode(value).key
        homes.setdefault(key, set()).add(partition)
    assert {len(home) for home in homes.values()} == {1}
    assert "0 not acknowledged, 0 errors" in log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(kafka, tmp_path, number):
    start, acks, log = ends(kafka), tmp_path / "acks", tmp_path / "log"
    with producer(kafka, log, "--rate", "200", "--ack-log", str(acks)) as process:
        until(lambda: sum(ends(kafka).values()) > sum(start.values()) + 200)
        process.send_signal(number)
        assert process.wait(20) == 0
    assert {ack["event_id"] for ack in acknowledged(acks)} == {decode(value).event_id for *_, value in topic(kafka, start)}
    assert "stopped after" in log.read_text()
    beat = json.loads((kafka.var_dir / "run" / "producer.heartbeat").read_text())
    assert beat["total"] > 0


def test_it_waits_for_a_kafka_that_is_not_there_and_says_so(tmp_path):
    settings = servers.isolated_settings(tmp_path)
    log = tmp_path / "log"
    with producer(settings, log) as process:
        until(lambda: f"waiting for Kafka at {settings.kafka_bootstrap}" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def start_again(settings: Settings, stack: ExitStack, attempts: int = 5) -> None:
    """Start Kafka after kill -9: it ends at once as long as ZooKeeper remembers its predecessor."""
    try:
        stack.enter_context(servers.started(settings, "kafka"))
    except LocalError:
        if attempts == 1:
            raise
        start_again(settings, stack, attempts - 1)


def test_nothing_is_lost_when_the_broker_is_killed_and_comes_back(tmp_path_factory, tmp_path):
    settings = servers.isolated_settings(tmp_path_factory.mktemp("killed"))
    acks, log = tmp_path / "acks", tmp_path / "log"
    with ExitStack() as stack:
        stack.enter_context(servers.started(settings, "zookeeper"))
        broker = stack.enter_context(servers.started(settings, "kafka"))
        process = stack.enter_context(producer(settings, log, "--rate", "300", "--ack-log", str(acks)))
        until(lambda: sum(ends(settings).values()) > 600)
        broker.kill()
        until(lambda: "does not acknowledge: paused" in log.read_text())
        start_again(settings, stack)
        until(lambda: "acknowledges again" in log.read_text())
        before = sum(ends(settings).values())
        until(lambda: sum(ends(settings).values()) > before + 600)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        sent = [decode(value).event_id for *_, value in topic(settings)]
    assert {ack["event_id"] for ack in acknowledged(acks)} == set(sent)
    assert len(sent) == len(set(sent)), "the idempotent producer writes an event once"


def test_a_broker_that_stays_away_leaves_a_non_zero_exit_code(tmp_path_factory, tmp_path):
    settings, log = servers.isolated_settings(tmp_path_factory.mktemp("away")), tmp_path / "log"
    with ExitStack() as stack:
        stack.enter_context(servers.started(settings, "zookeeper"))
        broker = stack.enter_context(servers.started(settings, "kafka"))
        process = stack.enter_context(producer(settings, log, "--rate", "300"))
        until(lambda: sum(ends(settings).values()) > 100)
        broker.kill()
        until(lambda: "does not acknowledge: paused" in log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1
    assert " 0 not acknowledged" not in log.read_text()
    assert "kafka_scripts/producer.py" not in log.read_text()  # no traceback of the program's own


def test_a_lake_day_arrives_whole_in_each_visitors_order(kafka, tmp_path):
    day = list(simulator.day_events(SHOP, DAY, 42))
    lake_day.publish(kafka.lake_dir, "simulated", "demo", DAY, [row for event in day for row in lake_day.rows(event)])
    start, log = ends(kafka), tmp_path / "log"
    with producer(kafka, log, "--from-lake", "--shop", "demo", "--date", DAY.isoformat(), "--speed", "max") as process:
        assert process.wait(120) == 0
    arrived = [decode(value) for *_, value in topic(kafka, start)]
    assert sorted(event.event_id for event in arrived) == sorted(event.event_id for event in day)
    last: dict[str, object] = {}
    for event in arrived:
        assert last.setdefault(event.client_id, event.event_time) <= event.event_time
        last[event.client_id] = event.event_time
