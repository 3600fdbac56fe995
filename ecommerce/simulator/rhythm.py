"""When the simulated shop is busy: the hours of a day in its zone, the days of a week, the weeks of a year."""

from __future__ import annotations

from bisect import bisect
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from math import cos, pi
from random import Random

from ecommerce.shops import Shop

SESSIONS_A_DAY = 3_000
WEEKDAYS = (1.04, 1.00, 0.98, 1.00, 0.95, 0.94, 1.09)
WORKDAY = (14, 8, 5, 4, 4, 7, 16, 30, 42, 48, 52, 56, 62, 56, 50, 50, 54, 62, 72, 84, 92, 84, 56, 30)
WEEKEND = (22, 14, 8, 5, 4, 5, 9, 18, 34, 52, 66, 72, 70, 68, 68, 70, 72, 74, 76, 82, 86, 76, 54, 34)
OFFICE = (0, 0, 0, 0, 0, 0, 0, 1, 6, 10, 12, 12, 8, 10, 12, 11, 8, 4, 1, 0, 0, 0, 0, 0)
"""Weights of the local hours 0 to 23: visits on Monday to Friday, on Saturday and Sunday, and the back office."""
HOUR_MS = 3_600_000


class DayClock:
    """The instants of one shop-day as milliseconds from its beginning; 23 and 25 hour days come out right."""

    def __init__(self, shop: Shop, day: date) -> None:
        self.begin, end = shop.bounds(day)
        self.length_ms = round((end - self.begin).total_seconds() * 1000)
        hours = WEEKEND if day.weekday() >= 5 else WORKDAY
        starts = range(0, self.length_ms, HOUR_MS)
        local = [(self.begin + timedelta(milliseconds=start)).astimezone(shop.zone).hour for start in starts]
        shares = [min(HOUR_MS, self.length_ms - start) / HOUR_MS for start in starts]
        self._visits = list(accumulate(hours[hour] * share for hour, share in zip(local, shares, strict=True)))
        self._office = list(accumulate(OFFICE[hour] * share for hour, share in zip(local, shares, strict=True)))

    def visit_ms(self, fraction: float) -> int:
        """The millisecond by which ``fraction`` (0 to 1) of the day's visits have begun."""
        return self._inverse(self._visits, fraction)

    def office_ms(self, fraction: float) -> int:
        """The same for what the shop's staff does."""
        return self._inverse(self._office, fraction)

    def instant(self, offset_ms: int) -> datetime:
        """The instant ``offset_ms`` after the day's beginning, UTC."""
        return self.begin + timedelta(milliseconds=offset_ms)

    def _inverse(self, cumulative: list[float], fraction: float) -> int:
        target = fraction * cumulative[-1]
        slot = min(bisect(cumulative, target), len(cumulative) - 1)
        before = cumulative[slot - 1] if slot else 0.0
        start = slot * HOUR_MS
        width = min(HOUR_MS, self.length_ms - start)
        return min(start + int((target - before) / (cumulative[slot] - before) * width), self.length_ms - 1)


@lru_cache(maxsize=64)
def day_clock(shop: Shop, day: date) -> DayClock:
    """The clock of ``day`` in ``shop``."""
    return DayClock(shop, day)


def sessions_of(shop_id: str, day: date, seed: int) -> int:
    """How many visits the shop has on ``day``: by weekday and season, with some weather."""
    season = 1 + 0.12 * cos(2 * pi * (day.timetuple().tm_yday - 345) / 365)
    weather = Random(f"{shop_id}|{seed}|{day}|sessions").gauss(1, 0.04)
    return round(SESSIONS_A_DAY * WEEKDAYS[day.weekday()] * season * min(max(weather, 0.85), 1.15))
