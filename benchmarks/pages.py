"""Every page over a year of data: ``make bench-pages``. Goals: queries' p95 under 50 ms; in Chromium first content under 1 s, 300 KB, no layout shift.

Starts a PostgreSQL of its own, writes a year of a made-up shop (about 45 orders and 1,900 sessions a day), asks each page
as a reader would, then opens each in Chromium with an empty cache. Writes its section of docs/benchmarks.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "django_app"), str(PROJECT / "tests" / "integration")]

import year  # noqa: E402

from benchmarks import pages_in_chromium, sections  # noqa: E402
from ecommerce import config  # noqa: E402
from ecommerce.config import Settings  # noqa: E402
from ecommerce.shops import Shop  # noqa: E402

SHOP = Shop("year", "Harbour & Pine", "Europe/London", "GBP")
PAGES = ("/", "/sales", "/sales?range=yesterday", "/products", "/products/HP-1003", "/customers", "/funnel", "/data", "/report")
RANGES = ("last-28-days", "last-90-days")
ROUNDS, GOAL_MS = 20, 50.0


@dataclass(frozen=True)
class Asked:
    """A page asked ROUNDS times: milliseconds of each query and of each whole answer."""

    address: str
    queries: list[float]
    answers: list[float]

    def row(self) -> str:
        number = len(self.queries) // ROUNDS
        times = f"{p(50, self.queries):.1f} | {p(95, self.queries):.1f} | {max(self.queries):.1f} | {p(95, self.answers):.0f}"
        return f"| `{self.address}` | {number} | {times} |"


@contextmanager
def warehouse() -> Iterator[tuple[Settings, dict[str, str]]]:
    """PostgreSQL with a year of SHOP, Redis with its today; Django set up on them."""
    with tempfile.TemporaryDirectory() as folder, year.platform(Path(folder), SHOP) as (settings, environ):
        os.environ.update(environ, DJANGO_SETTINGS_MODULE="ecommerce_analytics.settings")
        config.settings.cache_clear()
        manage = str(PROJECT / "django_app" / "manage.py")
        subprocess.run([sys.executable, manage, "collectstatic", "--noinput", "-v", "0"], check=True)
        import django

        django.setup()
        yield settings, environ


def ask(client: Any, address: str) -> Asked:
    """Asks a page, once to warm up and then ROUNDS times."""
    from django.db import connection

    queries: list[float] = []
    answers: list[float] = []

    def timed(execute: Callable, sql: str, *rest: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            queries.append(1000 * (time.perf_counter() - begun))

    client.get(address)
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with connection.execute_wrapper(timed):
            assert client.get(address).status_code == 200, address
        answers.append(1000 * (time.perf_counter() - begun))
    return Asked(address, queries, answers)


def p(percent: int, values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def addresses() -> Iterator[str]:
    for page in PAGES:
        yield from [page] if page == "/" or "?" in page else (f"{page}?range={name}" for name in RANGES)


def measured() -> list[Asked]:
    """Every page, by a signed-in client in this process."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(get_user_model().objects.create(username="bench"))
    return [ask(client, address) for address in addresses()]


def section(asked: list[Asked], seen: list[pages_in_chromium.Seen], load: float) -> str:
    worst = max(p(95, one.queries) for one in asked)
    return "\n".join((
        "## Pages", "",
        f"A year of a shop with about 45 orders and 1,900 sessions a day; each page asked {ROUNDS} times; {os.cpu_count()} cores, load {load:.1f} before; {datetime.now(UTC):%Y-%m-%d}.", "",
        "| Page | Queries | Query p50, ms | Query p95, ms | Slowest, ms | Whole page p95, ms |", "|---|---:|---:|---:|---:|---:|",
        *(one.row() for one in asked), "",
        f"- p95 under {GOAL_MS:.0f} ms a query on every page: {'yes' if worst < GOAL_MS else 'NO'} (worst {worst:.1f} ms)", "",
        *pages_in_chromium.told(seen), "",
    ))  # fmt: skip


def main() -> None:
    load = os.getloadavg()[0]
    with warehouse() as (settings, environ):
        asked = measured()
        seen = pages_in_chromium.look(environ, settings, SHOP, PAGES)
    text = section(asked, seen, load)
    print(text)
    sections.put("pages", text)
    sys.exit(max(p(95, one.queries) for one in asked) > GOAL_MS)


if __name__ == "__main__":
    main()
