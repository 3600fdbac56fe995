"""What the workers last said of themselves: a file each in ``var_dir/run``, or in a folder of it for each kind of worker.

Several instances of a worker on several hosts (containers) share a folder: with the setting ``shared_reports``
each one's file bears its host's name, ``consumer@<host>.heartbeat``.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ecommerce.config import Settings
from ecommerce.errors import PlatformError

SUFFIX = ".heartbeat"
STALE = timedelta(seconds=30)
"""A worker beats once a second, at the latest every 5 s."""
ENDED = "ended"
"""State of a worker that did what it was asked for: nobody misses it."""


class ReportError(PlatformError):
    """A report is there and cannot be read; the message names it."""


@dataclass(frozen=True)
class Report:
    """One instance's last words: the worker's ``name``, when (aware), and its values (state, lag, incident, ...)."""

    name: str
    at: datetime
    values: dict[str, Any]

    @property
    def state(self) -> str:
        return str(self.values.get("state", "running"))

    @property
    def silent(self) -> bool:
        """It has said nothing for longer than a living worker would."""
        return datetime.now(UTC) - self.at > STALE


def instance(config: Settings, name: str) -> str:
    """The name under which this host's worker ``name`` reports."""
    return f"{name}@{socket.gethostname()}" if config.shared_reports else name


def names(config: Settings) -> list[str]:
    """The workers that ever reported here, in order."""
    return sorted({path.stem.partition("@")[0] for path in (config.var_dir / "run").rglob(f"*{SUFFIX}")})


def reports(config: Settings, name: str) -> list[Report]:
    """What the instances of worker ``name`` last said, the newest first.

    While one of them reports, those that fell silent are left out: they were scaled away or replaced, and the
    others do their work. Where all are silent, the newest alone is given.

    Raises:
        ReportError: a report is unreadable.
    """
    folder = config.var_dir / "run"
    paths = [path for pattern in (name, f"{name}@*") for path in folder.rglob(f"{pattern}{SUFFIX}")]
    found = sorted((_read(name, path) for path in paths), key=lambda report: report.at, reverse=True)
    return [report for report in found if not report.silent] or found[:1]


def _read(name: str, path: Path) -> Report:
    try:
        values = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        return Report(name, datetime.fromisoformat(values["at"]), values)
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise ReportError(f"{name}'s report {path} is unreadable ({type(error).__name__}: {error})") from None
