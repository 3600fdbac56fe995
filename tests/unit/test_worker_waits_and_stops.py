"""A worker says once what it waits for, stops when asked, and shows that it lives."""

import json
import os
import signal

import pytest

from ecommerce.worker import Stopped, Worker


def failing(times, error):
    left = [error] * times

    def attempt():
        if left:
            raise left.pop()
        return "there"

    return attempt


def test_waiting_says_what_for_and_when_it_is_over(tmp_path, capsys):
    worker = Worker("w", tmp_path)
    assert worker.wait_for("Redis at x:1", failing(2, ConnectionError("refused\nby peer")), (ConnectionError,)) == "there"
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("w: waiting for Redis at x:1: ConnectionError: refused by peer")
    assert "w: Redis at x:1 answers after" in second


def test_other_errors_are_not_waited_for(tmp_path):
    with pytest.raises(ValueError, match="wrong"):
        Worker("w", tmp_path).wait_for("it", failing(1, ValueError("wrong")), (ConnectionError,))


def test_a_stop_ends_the_waiting(tmp_path):
    worker = Worker("w", tmp_path)
    worker.stopping = True
    with pytest.raises(Stopped):
        worker.wait_for("it", failing(9, ConnectionError()), (ConnectionError,))


def test_sigterm_asks_to_stop(tmp_path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        worker = Worker("w", tmp_path).start()
        os.kill(os.getpid(), signal.SIGTERM)
        worker.pause(5)
        assert worker.stopping
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_the_heartbeat_holds_state_and_values(tmp_path):
    worker = Worker("w", tmp_path / "run")
    worker.beat(state="starting")
    worker.beat(lag=7)
    worker.beat(state="running")
    found = json.loads(worker.heartbeat.read_bytes())
    assert (found["state"], found["lag"], found["pid"]) == ("running", 7, os.getpid())
    assert list(worker.heartbeat.parent.iterdir()) == [worker.heartbeat]
