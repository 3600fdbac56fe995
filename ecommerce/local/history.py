"""How far the first loading of the history is."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg

from ecommerce.config import Settings
from ecommerce.shops import shops

QUERY = """
SELECT count(DISTINCT day.date) FROM warehouse.etl_run_day day JOIN warehouse.etl_run run USING (run_id)
WHERE run.status = 'published' AND day.shop_id = %(shop)s AND day.date >= %(first)s AND day.date < %(last)s
"""


def loaded(config: Settings, first: date, last: date) -> int:
    """Days from ``first`` to before ``last`` that are published for every scheduled shop."""
    scheduled = [shop.shop_id for shop in shops().values() if shop.scheduled]
    with psycopg.connect(config.postgres_dsn("reader"), connect_timeout=5) as connection:
        counts = [connection.execute(QUERY, {"shop": shop, "first": first, "last": last}).fetchone()[0] for shop in scheduled]
    return min(counts, default=0)


def progress(config: Settings) -> str:
    """One sentence on the history: loading, or loaded."""
    start = date.fromisoformat((config.var_dir / "first_start").read_text().strip())
    days = config.history_days
    try:
        done = loaded(config, start - timedelta(days=days), start)
    except psycopg.Error as error:
        return f"The history's progress is unknown: {str(error).strip().splitlines()[0]}"
    if done < days:
        return f"Now: loading {days} days of history, {done} of {days}; the Live page counts simulated traffic already."
    return f"All {days} days of history are loaded."
