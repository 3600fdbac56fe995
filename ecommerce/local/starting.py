"""Starts the services and one-time jobs in the order of their needs, as parallel as that allows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from ecommerce.config import Settings
from ecommerce.local import supervision
from ecommerce.local.display import Steps
from ecommerce.local.server import LocalError, wait_ready
from ecommerce.local.services import JOBS, NEEDS, SERVICES

READY_SECONDS = 600
STARTS = 4  # a broker that was killed may need a second start, nothing needs a fifth
GIVEN_UP = ("FATAL", "STOPPED", "UNKNOWN")


class Stopped(Exception):
    """Another step failed, so this one was not begun."""


def bring_up(settings: Settings, name: str) -> None:
    """Service ``name`` runs and is ready; one that runs already is only probed.

    Raises:
        LocalError: it does not become ready; the message says where its log is.
    """
    server = SERVICES[name](settings)
    if supervision.states(settings).get(name, {}).get("statename") != "RUNNING":
        server.prepare()
        (supervision.run_dir(settings) / f"{name}.heartbeat").unlink(missing_ok=True)
        supervision.start_service(settings, name)
    try:
        wait_ready(server, READY_SECONDS, alive=_Watch(settings, name).alive)
    except LocalError as error:
        raise LocalError(f"{error} (make logs {name})") from None
    server.after()


class _Watch:
    """Says when it makes no sense to wait any longer: a service that the supervisor gave up, or that ends again and again."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self._pids: set[int] = set()

    def alive(self) -> bool:
        info = supervision.states(self._settings).get(self._name, {})
        self._pids.add(info.get("pid", 0))
        return info.get("statename", "UNKNOWN") not in GIVEN_UP and len(self._pids - {0}) <= STARTS


def run_all(settings: Settings, steps: Steps, names: list[str]) -> None:
    """Bring up ``names`` (services and jobs), each when what it needs is done.

    Raises:
        LocalError: the first that failed; what runs already stays up.
    """
    done = {name: threading.Event() for name in names}
    failed = threading.Event()

    def one(name: str) -> None:
        for need in NEEDS.get(name, []):
            while not done[need].wait(0.1):
                if failed.is_set():
                    raise Stopped
        steps.set(name, "working")
        try:
            _action(settings, name)()
        except BaseException:
            failed.set()
            steps.set(name, "failed")
            raise
        steps.set(name, "done")
        done[name].set()

    with ThreadPoolExecutor(len(names)) as pool:
        futures = [pool.submit(one, name) for name in names]
        finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
        failed.set() if any(future.exception() for future in finished) else None
    errors = [error for future in futures if (error := future.exception()) and not isinstance(error, Stopped)]
    if errors:
        raise errors[0]


def _action(settings: Settings, name: str) -> Callable[[], None]:
    if name in JOBS:
        return lambda: JOBS[name](settings)
    return lambda: bring_up(settings, name)
