"""What ``status`` reports of each service: state, process, uptime, memory, health."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil

from ecommerce.config import Settings
from ecommerce.local import supervision
from ecommerce.local.server import NotReady
from ecommerce.local.services import SERVICES


@dataclass(frozen=True)
class Condition:
    """One service now: ``memory`` in bytes (shared pages split among their users), ``problem`` None when healthy."""

    name: str
    state: str
    pid: int | None
    uptime_seconds: float | None
    memory: int
    problem: str | None


def memory(pid: int) -> int:
    """Bytes that the process and its children hold; pages that several share are split among them."""
    try:
        root = psutil.Process(pid)
        return sum(_proportional(process) for process in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.AccessDenied:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def problem_of(ready: Callable[[], object]) -> str | None:
    """What a probe finds missing, None when nothing."""
    try:
        ready()
    except NotReady as reason:
        return str(reason)
    return None


def condition(settings: Settings, name: str, info: dict[str, Any]) -> Condition:
    pid = info.get("pid") or None
    state = info.get("statename", "STOPPED").lower()
    problem = problem_of(SERVICES[name](settings).ready) if pid else info.get("spawnerr") or f"does not run ({state})"
    uptime = time.time() - info["start"] if pid else None
    return Condition(name, state, pid, uptime, memory(pid) if pid else 0, problem)


def conditions(settings: Settings) -> list[Condition]:
    """Every service, asked in parallel."""
    known = supervision.states(settings)
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        return list(pool.map(lambda name: condition(settings, name, known.get(name, {})), SERVICES))
