"""What several instances of a worker report is read as one: silence of one is none of all, silence of all is."""

import os
import signal
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ecommerce import alerts, heartbeats
from ecommerce.config import Settings
from ecommerce.worker import FORGET_SECONDS, Worker


@pytest.fixture
def config(tmp_path):
    return Settings(var_dir=tmp_path, shared_reports=True)


def report(config, file: str, ago_seconds: float = 0, **values):
    path = config.var_dir / "run" / f"{file}.heartbeat"
    path.parent.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC) - timedelta(seconds=ago_seconds)
    path.write_bytes(msgspec.json.encode({"at": at.isoformat(), "state": "running", **values}))
    return path


def messages(config) -> list[str]:
    return [alert.message for alert in alerts.workers(config)]


def test_each_host_reports_under_its_name(config):
    assert heartbeats.instance(config, "consumer") == f"consumer@{socket.gethostname()}"
    assert heartbeats.instance(replace(config, shared_reports=False), "consumer") == "consumer"


def test_an_instance_that_was_scaled_away_is_not_missed(config):
    report(config, "consumer/consumer@a", lag=1)
    report(config, "consumer/consumer@b", ago_seconds=300, lag=5)
    assert [found.values["lag"] for found in heartbeats.reports(config, "consumer")] == [1]
    assert messages(config) == []


def test_silence_of_all_instances_is_one_alert(config):
    report(config, "consumer/consumer@a", ago_seconds=100)
    report(config, "consumer/consumer@b", ago_seconds=300)
    (message,) = messages(config)
    assert message.startswith("consumer has not reported since")


def test_every_living_instance_is_judged(config):
    report(config, "consumer/consumer@a")
    report(config, "consumer/consumer@b", state="waiting for Redis")
    assert messages(config) == ["consumer: waiting for Redis"]


def test_who_has_ended_as_asked_is_not_missed(config):
    report(config, "producer/producer-once@a", ago_seconds=300, state=heartbeats.ENDED)
    assert messages(config) == []


def test_an_unreadable_report_is_an_alert(config):
    report(config, "consumer").write_text("{")
    (message,) = messages(config)
    assert "consumer.heartbeat is unreadable" in message


def test_who_never_reported_is_missed_once_there_was_time_to_start(config):
    mark = config.var_dir / "first_start"
    mark.write_text("2026-01-01\n")
    report(config, "archiver")
    assert messages(config) == []
    os.utime(mark, (0, 0))
    assert messages(config) == ["consumer has never reported"]
    assert not list(alerts.workers(replace(config, shared_reports=False)))


def test_a_worker_forgets_predecessors_that_are_long_gone(config):
    old, recent, other = (report(config, name) for name in ("consumer@old", "consumer@recent", "archiver@old"))
    for path in (old, other):
        os.utime(path, (path.stat().st_mtime - FORGET_SECONDS - 1,) * 2)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    Worker("consumer", config.var_dir / "run", instance="consumer@new").start()
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])
    assert {path.name for path in (config.var_dir / "run").glob("*.heartbeat")} == {
        "consumer@new.heartbeat",
        recent.name,
        other.name,
    }
