"""Times every query of every page over a year of data: ``make bench-pages``. Goal: p95 under 50 ms a query.

Starts a PostgreSQL of its own, writes a year of a made-up shop (about 45 orders and 1,900 sessions a day), asks each page
as a reader would, and prints the queries' times by page.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "django_app"), str(PROJECT / "tests" / "integration")]

import year  # noqa: E402

from ecommerce import config  # noqa: E402
from ecommerce.shops import Shop  # noqa: E402

SHOP = Shop("year", "Harbour & Pine", "Europe/London", "GBP")
PAGES = ("/sales", "/sales?range=yesterday", "/products", "/products/HP-1003", "/customers", "/funnel", "/report")
RANGES = ("last-28-days", "last-90-days")
ROUNDS, GOAL_MS = 20, 50.0


@contextmanager
def warehouse() -> Iterator[None]:
    """PostgreSQL with a year of SHOP; Django set up on it."""
    with tempfile.TemporaryDirectory() as folder, year.platform(Path(folder), SHOP) as (_, environ):
        os.environ.update(environ, DJANGO_SETTINGS_MODULE="ecommerce_analytics.settings")
        config.settings.cache_clear()
        manage = str(PROJECT / "django_app" / "manage.py")
        subprocess.run([sys.executable, manage, "collectstatic", "--noinput", "-v", "0"], check=True)
        import django

        django.setup()
        yield


def times(client: Any, address: str) -> tuple[list[float], list[float]]:
    """Milliseconds of each query, and of each whole answer, over ROUNDS."""
    from django.db import connection

    queries: list[float] = []
    answers: list[float] = []

    def timed(execute: Callable, sql: str, *rest: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            queries.append(1000 * (time.perf_counter() - begun))

    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with connection.execute_wrapper(timed):
            assert client.get(address).status_code == 200, address
        answers.append(1000 * (time.perf_counter() - begun))
    return queries, answers


def p(percent: int, values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def main() -> None:
    with warehouse():
        from django.conf import settings
        from django.contrib.auth import get_user_model
        from django.test import Client

        settings.ALLOWED_HOSTS = ["testserver"]
        client = Client()
        client.force_login(get_user_model().objects.create(username="bench"))
        worst = 0.0
        print("| page | range | queries | query p50 ms | query p95 ms | slowest ms | page p95 ms |\n|---|---|---|---|---|---|---|")
        for page in PAGES:
            for name in RANGES if "range=" not in page else ("",):
                address = f"{page}?range={name}" if name else page
                client.get(address)
                queries, answers = times(client, address)
                worst = max(worst, p(95, queries))
                figures = (
                    f"{len(queries) // ROUNDS} | {p(50, queries):.1f} | {p(95, queries):.1f} | {max(queries):.1f} | {p(95, answers):.0f}"
                )
                print(f"| {page.split('?')[0]} | {name or 'yesterday'} | {figures} |")
        print(f"\nWorst page's p95: {worst:.1f} ms a query (goal: under {GOAL_MS:.0f} ms).")
        sys.exit(worst > GOAL_MS)


if __name__ == "__main__":
    main()
