"""Waiting for a condition in tests: asked again and again, with a name for what did not happen."""

import time
import urllib.request

import pytest


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def wait_until(condition, what: str, seconds: float = 60):
    """The condition's first true value; fails, naming ``what``, when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.1)
    return value
