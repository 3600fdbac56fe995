"""One local server: how to prepare, start and probe it. The supervisor and the tests share this."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ecommerce.errors import PlatformError

STRAY = ("PYTHONHOME", "PYTHONPATH", "SPARK_HOME", "SPARK_REMOTE", "SPARK_CONF_DIR", "SPARK_CONNECT_MODE_ENABLED", "JAVA_TOOL_OPTIONS")


class LocalError(PlatformError):
    """The local run cannot go on; the message is one line and names the remedy."""


class NotReady(Exception):
    """A server does not answer as it should yet; the message says what is missing."""


def _nothing() -> None:
    """The step of a server that needs none."""


@dataclass(frozen=True)
class Server:
    """A program of the local run.

    ``prepare`` writes its configuration and makes its data (idempotent, before every start);
    ``ready`` returns when the server does its work and raises :class:`NotReady` otherwise;
    ``after`` runs once it is ready (roles, topics; idempotent). ``user`` is a system user to become.
    ``mend`` runs in the program's own process right before it, at each start and restart by the supervisor.
    """

    name: str
    command: list[str]
    cwd: Path
    ready: Callable[[], None]
    env: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    mend: Callable[[], None] = _nothing
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 30

    @staticmethod
    def inherited() -> dict[str, str]:
        """This process's environment without what would lead a child's Python or Spark astray."""
        return {name: value for name, value in os.environ.items() if name not in STRAY}

    def environment(self) -> dict[str, str]:
        """What the program gets: the inherited environment with the server's own variables on top."""
        return {**self.inherited(), **self.env}


def wait_ready(server: Server, seconds: float, alive: Callable[[], bool] = lambda: True) -> None:
    """Return when ``server`` is ready.

    Raises:
        LocalError: it is not within ``seconds``, or ``alive`` says that it has ended.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return server.ready()
        except NotReady as reason:
            why = str(reason)
        if not alive():
            raise LocalError(f"{server.name} ended while it started; its log says why (last state: {why})")
        if time.monotonic() > deadline:
            raise LocalError(f"{server.name} is not healthy after {seconds:.0f} s: {why}")
        time.sleep(0.25)


def become(user: str) -> None:
    """Give up root's rights for those of ``user``, for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def execute(server: Server) -> None:
    """Replace this process by the server's program."""
    os.umask(0o077)
    os.chdir(server.cwd)
    if server.user:
        become(server.user)
    server.mend()
    os.execvpe(server.command[0], server.command, server.environment())
