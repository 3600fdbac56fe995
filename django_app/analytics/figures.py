"""The figures of a period of shop-days: sums, ratios from their parts, and changes against the period before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import groupby, islice

from analytics.ranges import Days
from ecommerce.day_states import FINAL, LEAST_SETTLED_FIRST, LIVE, NONE, PROVISIONAL, REVISED, DayState, least_settled
from ecommerce.metrics import DISTINCT, metric, ratio

Number = Decimal | int
PART_OF_DAY = "part"
"""Counted from the facts, up to a time of day; distinct counts are not known so."""
Measures = Mapping[str, Number | None]


def value_of(name: str, measures: Measures) -> Number | None:
    """The metric ``name`` of ``measures``: the measure itself, or the ratio of its parts."""
    return ratio(name, measures) if metric(name).kind == "ratio" else measures.get(name)


@dataclass(frozen=True)
class ShopDay:
    """One shop-day: its measures (None where no data came) and whether they were counted by the batch or live."""

    day: date
    state: DayState
    measures: Measures | None = None
    counted_by: str = "batch"

    def value(self, name: str) -> Number | None:
        return value_of(name, self.measures) if self.measures is not None else None


@dataclass(frozen=True)
class Period:
    """The shop-days of a range, ascending, one for each day; days without data count in no sum."""

    days: Days
    shop_days: tuple[ShopDay, ...]

    @cached_property
    def known(self) -> tuple[ShopDay, ...]:
        return tuple(one for one in self.shop_days if one.measures is not None)

    @cached_property
    def state(self) -> str:
        return least_settled(one.state.name for one in self.shop_days)

    def total(self, measure: str) -> Number | None:
        """The measure over all days with data; None where no day has data or a day's source does not give it.

        Sessions are summed as sessions of each shop-day: one that lasts past midnight counts on both days.
        """
        parts = [one.measures.get(measure) for one in self.known if one.measures is not None]
        return None if not parts or None in parts else sum(parts)

    def value(self, name: str) -> Number | None:
        """The metric ``name`` over the period; ratios from sums, never as an average of averages."""
        return value_of(name, {part: self.total(part) for part in _parts(name)})

    def estimated(self, name: str) -> bool:
        """Whether a part of ``name`` was counted live, where distinct counts are estimates."""
        return any(part in DISTINCT for part in _parts(name)) and any(one.counted_by == LIVE for one in self.known)

    def why_unknown(self, name: str) -> str:
        """The reason for a missing value, in a few words."""
        if not self.known:
            return "no data in these days"
        for part in _parts(name):
            missing = sum(1 for one in self.known if one.measures is not None and one.measures.get(part) is None)
            if missing and any(one.counted_by == PART_OF_DAY for one in self.known):
                return f"{metric(part).title.lower()} are not known of a part of a day"
            if missing:
                return f"the source gives no {metric(part).title.lower()}" + _on(missing, len(self.known))
        return f"no {metric(metric(name).denominator[0]).title.lower()} in these days"


def _parts(name: str) -> list[str]:
    found = metric(name)
    return [part.lstrip("-") for part in (*found.denominator, *found.numerator)] or [name]


def _on(missing: int, known: int) -> str:
    return "" if missing == known else f" on {missing} of {known} days"


@dataclass(frozen=True)
class Figure:
    """A metric as a tile shows it: value, the previous one (None: not compared, and ``reason`` why), state and shape.

    ``lines`` are the series of its sparkline, drawn on one scale: (css class, values; None is a gap).
    """

    name: str
    value: Number | None
    previous: Number | None
    currency: str
    state: str
    reason: str = ""
    compared: bool = True
    estimated: bool = False
    lines: Sequence[tuple[str, Sequence[Number | None]]] = ()


def cut(period: Period, grain: str) -> list[Period]:
    """``period`` in pieces of a grain (day, week from Monday, month), ascending; the first and last may be parts."""
    keys = {"day": lambda day: day, "week": lambda day: day.isocalendar()[:2], "month": lambda day: (day.year, day.month)}
    pieces = [tuple(days) for _, days in groupby(period.shop_days, lambda one: keys[grain](one.day))]
    return [Period(Days(piece[0].day, piece[-1].day), piece) for piece in pieces]


def cut_like(period: Period, pieces: Sequence[Period]) -> list[Period]:
    """``period`` in pieces as long as those of another period of the same length, so that each meets its counterpart."""
    days = iter(period.shop_days)
    found = [tuple(islice(days, len(piece.shop_days))) for piece in pieces]
    return [Period(Days(piece[0].day, piece[-1].day), piece) for piece in found]


@dataclass(frozen=True)
class Change:
    """A value against a previous one: ``relative`` of an amount, ``difference`` of a ratio or against zero."""

    difference: Number
    relative: Decimal | None
    tone: str

    @property
    def direction(self) -> str:
        return "flat" if not self.difference else "up" if self.difference > 0 else "down"


def change(name: str, value: Number | None, previous: Number | None) -> Change | None:
    """The change of metric ``name``; None where either side is unknown.

    An amount has a relative change unless the previous one is zero or negative; a ratio has none.
    ``tone`` is good, bad or '' by the metric's better direction.
    """
    if value is None or previous is None:
        return None
    of, difference = metric(name), value - previous
    plain = of.unit == "ratio" or name == "adjustments" or previous <= 0
    direction = "up" if difference > 0 else "down"
    tone = "" if not difference or not of.better else "good" if direction == of.better else "bad"
    return Change(difference, None if plain else Decimal(difference) / Decimal(previous), tone)


SAID = {FINAL: "final", REVISED: "revised", PROVISIONAL: "provisional", LIVE: "live"}


def settled_sentence(period: Period) -> str:
    """How many days are final, revised, provisional, live or without data: "26 days are final, 1 is revised."."""
    names = [one.state.name for one in period.shop_days]
    counted = [(names.count(name), SAID[name]) for name in reversed(LEAST_SETTLED_FIRST) if name in names]
    parts = [f"{_days(number, first=not place)} {'is' if number == 1 else 'are'} {said}" for place, (number, said) in enumerate(counted)]
    if empty := names.count(NONE):
        parts.append(f"{_days(empty, first=not parts)} {'has' if empty == 1 else 'have'} no data")
    return ", ".join(parts) + "."


def _days(number: int, first: bool) -> str:
    return f"{number} day{'' if number == 1 else 's'}" if first else str(number)
