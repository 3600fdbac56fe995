"""Work on the run's connection while the driver waits for Spark."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import psycopg

CANCEL_AGAIN_SECONDS = 0.1


class Background:
    """Calls one after another, on a thread of their own; within the block nobody else may use ``connection``.

    The block's end waits for them, and raises what the first that failed has raised. A block that fails cancels them, and the
    statement that runs.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="publication")
        self._calls: list[Future[Any]] = []

    def do(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call ``call`` with ``arguments`` when those before have ended; one that failed lets none follow."""

        def after_the_others() -> Any:
            for earlier in self._calls[:place]:
                earlier.result()
            return call(*arguments)

        place = len(self._calls)
        self._calls.append(self._pool.submit(after_the_others))
        return self._calls[-1]

    def __enter__(self) -> Background:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._pool.shutdown()
            for call in self._calls:
                call.result()
            return
        for call in self._calls:
            call.cancel()
        # A call may be between two statements: what comes next is cancelled, too.
        while wait(self._calls, timeout=CANCEL_AGAIN_SECONDS).not_done and not self._connection.closed:
            self._connection.cancel_safe()
        self._pool.shutdown()
