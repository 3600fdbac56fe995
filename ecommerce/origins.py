"""From what a shop's days were last published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ecommerce import lake
from ecommerce.config import Settings

# Files of several days land in one partition, a run's only one: its path says which days.
NEAREST = """
    WITH newest AS (
        SELECT DISTINCT ON (date) date, run_id, source FROM warehouse.etl_run_day WHERE shop_id = %(shop)s ORDER BY date, published_at DESC)
    SELECT day::date, near.date, coalesce(r.inputs -> 0 ->> 'source_folder', near.source), coalesce(r.inputs -> 0 ->> 'path', '')
    FROM generate_series(%(first)s::date, %(last)s::date, '1 day') AS day
    CROSS JOIN LATERAL (SELECT * FROM newest ORDER BY date > day, abs(date - day::date) LIMIT 1) AS near
    JOIN warehouse.etl_run r USING (run_id)"""
FROM_EVENTS = ("simulated", "kafka")
"""Sources that stand for the shop's own events; on other sources' days the archive is no rival."""


@dataclass(frozen=True)
class Origin:
    """``source`` as a run takes it: a name, or the folder of one's own; ``together`` the first and the last day of
    files that landed as one, None where each day has files of its own."""

    source: str
    together: tuple[date, date] | None = None


def origins(settings: Settings, shop_id: str, from_date: date, to_date: date) -> dict[date, Origin]:
    """The origin of each day of the range: that of its newest run, or, for a day that was never published, the files' source of
    the published day before it (else after it). Absent are days without either."""
    import psycopg

    with psycopg.connect(settings.postgres_dsn("reader")) as connection:
        rows = connection.execute(NEAREST, {"shop": shop_id, "first": from_date, "last": to_date}).fetchall()
    return {
        day: Origin(source, _together(path, day)) for day, published, source, path in rows if day == published or source not in FROM_EVENTS
    }


def _together(path: str, day: date) -> tuple[date, date] | None:
    first, last = lake.landed_days(path) if path else (day, day)
    return (first, last) if first < last and first <= day <= last else None
