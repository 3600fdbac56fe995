"""What every long-running worker shares: a shutdown flag, waiting with back-off, a heartbeat, one-line messages."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import msgspec

from ecommerce import heartbeats
from ecommerce.config import Settings

Result = TypeVar("Result")

FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
BEAT_SECONDS = 1.0
HANG_SECONDS = 180
REMIND_SECONDS = 30.0
FORGET_SECONDS = 3600


def collect_seldom() -> None:
    """From now on look for cycles seldom: batches and events on their way hold none, and looking costs CPU, of the consumer a fifth."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Stopped(Exception):
    """The worker was asked to stop while it waited."""


class Worker:
    """One long-running program: loops while ``not worker.stopping``, says what it does, shows that it lives.

    ``heartbeat`` is the file ``<run_dir>/<name>.heartbeat`` (``instance`` instead of the name where given), a JSON
    object with at least ``at`` (RFC 3339, UTC), ``pid`` and ``state``; it is replaced atomically, at most once a second.
    A ``watched`` worker that does not beat for three minutes ends itself, to be started again.
    """

    def __init__(self, name: str, run_dir: Path, watched: bool = False, instance: str = "") -> None:
        self.name, self._watched = name, watched
        self.heartbeat = run_dir / f"{instance or name}.heartbeat"
        self.stopping = False
        self._values: dict[str, Any] = {}
        self._beaten = 0.0

    @classmethod
    def of(cls, config: Settings, name: str) -> Worker:
        """The watched worker ``name`` of the platform, which reports where and as ``config`` says."""
        return cls(name, config.var_dir / "run", True, heartbeats.instance(config, name))

    def start(self) -> Worker:
        """Take SIGTERM and SIGINT as a request to stop, and beat once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(f"%(asctime)s {self.name}: %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ"))
        handler.formatter.converter = time.gmtime
        logging.basicConfig(handlers=[handler], level=logging.ERROR)
        # kafka-python logs every attempt to reconnect; wait_for says once what is away.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._forget_predecessors()
        self.beat(state="starting")
        return self

    def _forget_predecessors(self) -> None:
        """Remove the reports of instances of this worker on hosts that are long gone."""
        for path in self.heartbeat.parent.glob(f"{self.name}@*.heartbeat"):
            if time.time() - path.stat().st_mtime > FORGET_SECONDS:
                path.unlink(missing_ok=True)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def say(self, message: str) -> None:
        """One line on stderr, with the time and the worker's name."""
        print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {self.name}: {message}", file=sys.stderr, flush=True)

    def beat(self, **values: Any) -> None:
        """Keep ``values`` for the heartbeat and write it, unless that was done within the last second.

        A change of ``state`` is written at once.
        """
        changed = values.get("state", self._values.get("state")) != self._values.get("state")
        self._values.update(values)
        if not changed and time.monotonic() - self._beaten < BEAT_SECONDS:
            return
        self._beaten = time.monotonic()
        if self._watched:
            # What hangs without a time-out ends, with every thread's stack on stderr, to be started again.
            faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        record = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", "pid": os.getpid(), **self._values}
        self.heartbeat.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.heartbeat.with_name(f".{self.heartbeat.name}.{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(record))
        os.replace(temporary, self.heartbeat)

    def pause(self, seconds: float) -> None:
        """Sleep ``seconds``, less when asked to stop, beating meanwhile."""
        end = time.monotonic() + seconds
        while not self.stopping and (left := end - time.monotonic()) > 0:
            self.beat()
            time.sleep(min(left, 0.1))

    def wait_for(
        self,
        what: str,
        attempt: Callable[[], Result],
        errors: tuple[type[BaseException], ...],
        meanwhile: Callable[[], object] | None = None,
    ) -> Result:
        """The result of ``attempt``, tried until it raises none of ``errors``.

        Says once what it waits for and why (again after half a minute), and when that is over. Waits
        0.1 s to 2 s between attempts; ``meanwhile`` is called in each wait.

        Raises:
            Stopped: the worker was asked to stop first.
        """
        wait, began, said, state = FIRST_WAIT, time.monotonic(), 0.0, self._values.get("state", "running")
        while True:
            try:
                result = attempt()
            except errors as error:
                now = time.monotonic()
                if not said or now - said >= REMIND_SECONDS:
                    self.say(f"waiting for {what}: {one_line(error)}")
                    said = now
                self.beat(state=f"waiting for {what}")
                if meanwhile:
                    meanwhile()
                self.pause(wait)
                if self.stopping:
                    raise Stopped(f"asked to stop while waiting for {what}") from error
                wait = min(wait * 2, LONGEST_WAIT)
                continue
            if said:
                self.say(f"{what} answers after {time.monotonic() - began:.1f} s")
            self.beat(state=state)
            return result


def one_line(error: BaseException) -> str:
    """The error's class and message in one line."""
    name, text = type(error).__name__, " ".join(str(error).split())
    return text if text.startswith(name) else f"{name}: {text}".rstrip(": ")
