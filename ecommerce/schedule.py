"""Which days the daily run processes.

A scheduled run processes, for every scheduled shop, the shop-day with the date of its data interval's
start in UTC, an hour or more after that day's end; so a backfill of day D gives day D in any zone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from ecommerce import etl
from ecommerce.config import ConfigError, settings
from ecommerce.shops import Shop, shop, shops

SETTLING = timedelta(hours=1)


def first_day() -> date:
    """The first day that the daily run catches up: ``history_days`` before the platform's first start.

    Raises:
        ConfigError: the file that fixes the first start is malformed.
    """
    path = settings().var_dir / "first_start"
    try:
        first_start = date.fromisoformat(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing: `make up` writes it at the first start") from None
    except ValueError:
        raise ConfigError(f"{path} holds no date YYYY-MM-DD: write the day of the first start into it") from None
    return first_start - timedelta(days=settings().history_days)


def settled(shop: Shop, day: date, now: datetime | None = None) -> bool:
    """Whether ``day`` of ``shop`` has been over for an hour."""
    return (now or datetime.now(UTC)) >= shop.bounds(day)[1] + SETTLING


def runs(
    scheduled: date | None, shop_id: str, first: date | None, last: date | None, source: str, input: str, seed: int, repair: str = ""
) -> list[etl.Run] | None:
    """The runs of one DAG run; None while the ``scheduled`` day is not settled yet in every shop.

    Without a shop every scheduled shop is meant. ``first`` and ``last`` outrank the scheduled day; with
    neither, each shop's yesterday is meant. With a ``repair`` the runs read what has landed, put right first.

    Raises:
        ConfigError: the shop is unknown.
        etl.EtlError: as :func:`ecommerce.etl.plan`.
    """
    chosen = [shop(shop_id)] if shop_id else [one for one in shops().values() if one.scheduled]
    if scheduled and not first and not all(settled(one, scheduled) for one in chosen):
        return None
    planned = []
    for one in chosen:
        begin = first or scheduled or one.today() - timedelta(days=1)
        planned += etl.plan(one.shop_id, begin, last or begin, source, input, seed)
    return [replace(run, repair=repair) for run in planned]
