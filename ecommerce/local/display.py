"""What ``up`` shows while it works: a live list on a terminal, one line a finished step elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text


class Steps:
    """The steps of a start by name: waiting, working (since when), done (seconds) or failed. Safe for threads."""

    def __init__(self, names: list[str], console: Console) -> None:
        self._states: dict[str, tuple[str, float]] = dict.fromkeys(names, ("waiting", 0.0))
        self._lock = threading.Lock()
        self._console = console
        self._spinner = Spinner("dots")

    def set(self, name: str, state: str) -> None:
        """Step ``name`` is now ``state``."""
        with self._lock:
            _, since = self._states[name]
            value = time.monotonic() if state == "working" else time.monotonic() - since
            self._states[name] = (state, value)
        if not self._console.is_terminal and state != "working":
            done = sum(state == "done" for state, _ in self._states.values())
            self._console.print(f"  {state:<7} {name:<22} {value:5.1f} s   {done} of {len(self._states)}", highlight=False)

    def __rich__(self) -> Group:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            states = dict(self._states)
        for name, (state, value) in states.items():
            table.add_row(*self._row(name, state, value))
        done = sum(state == "done" for state, _ in states.values())
        return Group(table, Text(f"  {done} of {len(states)} ready"))

    def _row(self, name: str, state: str, value: float) -> tuple:
        if state == "working":
            return self._spinner, name, f"{time.monotonic() - value:.0f} s"
        signs = {"waiting": Text("·", "dim"), "done": Text("✓", "green"), "failed": Text("✗", "red")}
        return signs[state], Text(name, "dim" if state == "waiting" else ""), "" if state == "waiting" else f"{value:.1f} s"

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the list while the block runs."""
        if not self._console.is_terminal:
            yield
            return
        with Live(self, console=self._console, refresh_per_second=8):
            yield
