"""One run of the batch job: what it is asked for, what it has found so far, and what it says of its progress."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import inputs
import sources
from runlog import Counts, Finding

from ecommerce.shops import Shop

_ONE_AT_A_TIME = threading.Lock()


class Timings(dict[str, float]):
    """Seconds by step: from the end of the one before to its own."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def end(self, step: str) -> None:
        """``step`` ends now."""
        now = time.monotonic()
        self[step], self._since = round(self.get(step, 0) + now - self._since, 3), now


@dataclass
class Job:
    """One run and what it has found so far."""

    run_id: str
    shop: Shop
    source: sources.Source
    from_date: date
    to_date: date
    lake_dir: Path
    counts: Counts | None = None
    findings: list[Finding] = field(default_factory=list)
    days_published: int = 0
    timings: Timings = field(default_factory=Timings)
    blocks: list[inputs.Block] = field(default_factory=list)


def say(step: str, done: int, total: int, message: str = "", **more: Any) -> None:
    """One progress line, whatever other threads say meanwhile."""
    line = json.dumps({"step": step, "done": done, "total": total, "message": message, **more})
    with _ONE_AT_A_TIME:  # print writes a line and its end apart
        print(line, flush=True)
