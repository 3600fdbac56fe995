"""Child processes that come back when they end, as the platform's supervisor sees to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil

from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import servers
from ecommerce.local.server import LocalError, wait_ready

RESTART_SECONDS = 0.2
STOP_SECONDS = 60
START_SECONDS = 300


class Kept:
    """A program that is started again whenever it ends, until :meth:`close`. Its output goes to ``log``."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path, cwd: Path = PROJECT_DIR) -> None:
        self.name, self.log = name, log
        self.exit_codes: list[int] = []
        self._command, self._environment, self._cwd = command, dict(environment), cwd
        self._closing, self._wanted = threading.Event(), threading.Event()
        self._wanted.set()
        log.parent.mkdir(parents=True, exist_ok=True)
        self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> None:
        with self.log.open("ab") as output:
            # In a session of its own: the end of a shell wakes what is stopped in its own.
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._cwd, stdout=output, stderr=output, start_new_session=True
            )

    def _keep(self) -> None:
        while True:
            self.exit_codes.append(self.process.wait())
            self._closing.wait(RESTART_SECONDS)
            self._wanted.wait()
            if self._closing.is_set():
                return
            self._start()
            if self._closing.is_set():
                self.process.kill()

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        process = self.process
        process.kill()
        process.wait()

    def terminate(self) -> None:
        """SIGTERM; returns when the process has ended."""
        process = self.process
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def hold(self) -> None:
        """Do not start it again until :meth:`release`."""
        self._wanted.clear()

    def release(self) -> None:
        self._wanted.set()

    def freeze(self) -> None:
        """SIGSTOP: alive, and silent."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def abort(self) -> None:
        """End it for good, with the stack of each thread in its log."""
        self._closing.set()
        self.process.send_signal(signal.SIGABRT)
        self.process.wait(STOP_SECONDS)

    def memory(self) -> int:
        """Resident bytes now, 0 between two lives."""
        try:
            return psutil.Process(self.process.pid).memory_info().rss
        except psutil.Error:
            return 0

    def said(self, words: str) -> int:
        """How often its log has ``words``."""
        return self.log.read_text(errors="replace").count(words) if self.log.exists() else 0

    def tail(self, lines: int = 8) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def close(self, kill: bool = False) -> int:
        """End it for good; its last exit code."""
        self._closing.set()
        if self.process.poll() is None:
            self.thaw()
            self.kill() if kill else self.terminate()
        self._wanted.set()
        self._keeper.join(STOP_SECONDS)
        return self.exit_codes[-1]


def environment(settings: Settings, code: Path = PROJECT_DIR) -> dict[str, str]:
    """The variables of a child that runs the code in ``code`` with ``settings``."""
    return {**os.environ, **servers.environment(settings), "PYTHONPATH": str(code), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}


def start_server(settings: Settings, name: str, extra_config: tuple[Path, str] | None = None) -> Kept:
    """The server ``name`` of ecommerce.local.servers, ready; ``extra_config`` is text to add to a file that it reads.

    Raises:
        LocalError: it does not become ready; the message holds the end of its log.
    """
    server = servers.SERVERS[name](settings)
    server.prepare()
    if extra_config:
        path, text = extra_config
        path.write_text(path.read_text() + text)
    command = [sys.executable, "-m", "ecommerce.local", "exec", name]
    kept = Kept(name, command, environment(settings), settings.var_dir / "logs" / f"{name}.log")
    try:
        wait_ready(server, START_SECONDS)
    except LocalError as error:
        kept.close(kill=True)
        raise LocalError(f"{error}\n{kept.tail()}") from None
    server.after()
    return kept
