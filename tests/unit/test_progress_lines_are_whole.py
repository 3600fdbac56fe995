"""Threads of a job that report at once never share a line."""

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from job import say


@pytest.fixture
def hasty_threads():
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_every_line_is_one_object(hasty_threads, tmp_path, monkeypatch):
    with (tmp_path / "lines").open("wb", buffering=0) as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(file, write_through=True))  # as with PYTHONUNBUFFERED
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: say("spark", number, 4000), range(4000)))
    said = [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines()]
    assert sorted(one["done"] for one in said) == list(range(4000))
