"""The shops of the platform, read from shops.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ecommerce.config import ConfigError, settings


@dataclass(frozen=True)
class Shop:
    """One shop: its id, its name, the zone in which its days begin and end, and its one currency.

    ``empty_days``: days that a run may publish as empty though they had events before.
    """

    shop_id: str
    name: str
    time_zone: str
    currency: str
    scheduled: bool = False
    empty_days: tuple[date, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self) -> date:
        """The shop's current day."""
        return datetime.now(self.zone).date()

    def day_of(self, instant: datetime) -> date:
        """The shop-day in which ``instant`` (aware) falls."""
        return instant.astimezone(self.zone).date()

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """First instant of ``day`` and of the next day, UTC; 23 to 25 hours apart at clock changes."""
        starts = (datetime(d.year, d.month, d.day, tzinfo=self.zone) for d in (day, day + timedelta(days=1)))
        begin, end = (start.astimezone(UTC) for start in starts)
        return begin, end


def read(path: Path) -> dict[str, Shop]:
    """All shops of the file at ``path``, by id, in its order.

    Raises:
        ConfigError: the file is absent or not TOML, or a shop lacks a field, names an unknown zone, or has empty_days that are no dates.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"the list of shops is missing: {path}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    shops: dict[str, Shop] = {}
    for shop_id, table in tables.items():
        try:
            shop = Shop(shop_id=shop_id, **table | {"empty_days": _dates(table.get("empty_days", []))})
            ZoneInfo(shop.time_zone)
        except TypeError as error:
            raise ConfigError(f"{path}: shop [{shop_id}]: {error}") from None
        except _NotDates:
            raise ConfigError(f"{path}: shop [{shop_id}]: empty_days must be a list of dates, such as [2026-12-25]") from None
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(f"{path}: shop [{shop_id}]: unknown time zone {table['time_zone']!r}") from None
        shops[shop_id] = shop
    return shops


class _NotDates(Exception):
    """A value that is no list of dates."""


def _dates(value: Any) -> tuple[date, ...]:
    if not isinstance(value, list) or any(type(day) is not date for day in value):  # a datetime is a date, too
        raise _NotDates
    return tuple(value)


@lru_cache(maxsize=1)
def shops() -> dict[str, Shop]:
    """The platform's shops, by id."""
    return read(settings().shops_file)


def shop(shop_id: str) -> Shop:
    """The shop ``shop_id``.

    Raises:
        ConfigError: it is unknown; the message prints the lines to add.
    """
    try:
        return shops()[shop_id]
    except KeyError:
        raise ConfigError(
            f"unknown shop {shop_id!r}; known: {', '.join(shops())}. To add it, append to {settings().shops_file}:\n"
            f'[{shop_id}]\nname = "{shop_id}"\ntime_zone = "UTC"\ncurrency = "USD"\nscheduled = false'
        ) from None
