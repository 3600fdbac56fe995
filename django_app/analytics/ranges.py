"""Ranges of shop-days and their comparison, read from a page's address.

``?range=last-28-days&compare=previous`` or ``?range=custom&from=2026-11-01&to=2026-11-07&compare=none``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

EARLIEST = date(2005, 1, 1)
MAX_DAYS = 1100
DEFAULT = "last-28-days"
CUSTOM = "custom"
COMPARISONS = ("previous", "none")


class RangeError(ValueError):
    """The address names no usable range; the message names the part and the remedy."""


@dataclass(frozen=True)
class Days:
    """The shop-days ``first`` to ``last``, both inclusive."""

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def before(self) -> Days:
        """As many days, ending on the day before the first."""
        return Days(self.first - timedelta(days=len(self)), self.first - timedelta(days=1))


def _ending_yesterday(count: int) -> Callable[[date], Days]:
    return lambda today: Days(today - timedelta(days=count), today - timedelta(days=1))


NAMED: dict[str, tuple[str, Callable[[date], Days]]] = {
    "yesterday": ("Yesterday", _ending_yesterday(1)),
    "last-7-days": ("Last 7 days", _ending_yesterday(7)),
    "last-28-days": ("Last 28 days", _ending_yesterday(28)),
    "last-90-days": ("Last 90 days", _ending_yesterday(90)),
    "this-month": ("This month", lambda today: Days(today.replace(day=1), today)),
}
"""Ranges by name: title, and the days as of a shop's current day. Only this-month holds today, which is live."""


@dataclass(frozen=True)
class Selection:
    """What the reader asked for: a named or custom range, and the days before it where they are compared."""

    name: str
    days: Days
    compared: bool

    @property
    def title(self) -> str:
        return NAMED[self.name][0] if self.name in NAMED else "Chosen days"

    @property
    def previous(self) -> Days | None:
        return self.days.before() if self.compared else None

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters that give this selection again."""
        query = {"range": self.name, "compare": COMPARISONS[not self.compared]}
        if self.name == CUSTOM:
            query |= {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        return query


def _day(part: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RangeError(f"{part} {text!r} is not a day: write it as 2026-11-30") from None


def _custom(query: Mapping[str, str], today: date) -> Days:
    missing = [part for part in ("from", "to") if not query.get(part)]
    if missing:
        raise RangeError(f"a range of your own needs {' and '.join(missing)}: choose both days")
    days = Days(_day("from", query["from"]), _day("to", query["to"]))
    if days.first > days.last:
        raise RangeError(f"from {days.first} is after to {days.last}: swap them")
    if days.last > today:
        raise RangeError(f"to {days.last} has not begun in the shop's zone: choose {today} or an earlier day")
    if days.first < EARLIEST:
        raise RangeError(f"from {days.first} is before the calendar's first day: choose {EARLIEST} or a later day")
    if len(days) > MAX_DAYS:
        raise RangeError(f"{len(days)} days are more than a page shows: choose at most {MAX_DAYS}")
    return days


def read(query: Mapping[str, str], today: date) -> Selection:
    """The selection of an address's parameters; ``today`` is the shop's current day.

    Without parameters: the last 28 days, compared with the 28 days before.

    Raises:
        RangeError: a parameter is unknown or malformed, or the days are not a range that a page can show.
    """
    compare = query.get("compare") or COMPARISONS[0]
    if compare not in COMPARISONS:
        raise RangeError(f"compare {compare!r} is unknown: it is {' or '.join(COMPARISONS)}")
    name = query.get("range") or (CUSTOM if query.get("from") or query.get("to") else DEFAULT)
    if name != CUSTOM and name not in NAMED:
        raise RangeError(f"range {name!r} is unknown: it is one of {', '.join([*NAMED, CUSTOM])}")
    days = _custom(query, today) if name == CUSTOM else NAMED[name][1](today)
    return Selection(name, days, compare == COMPARISONS[0])
