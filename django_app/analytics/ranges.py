"""Ranges of shop-days, their comparison and their grain, read from a page's address.

``?range=last-28-days&compare=previous`` or ``?range=custom&from=2026-11-01&to=2026-11-07&compare=none&grain=week``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

EARLIEST = date(2005, 1, 1)
MAX_DAYS = 1100
DEFAULT = "last-28-days"
CUSTOM = "custom"
COMPARISONS = {"previous": "The days before", "year": "52 weeks before", "none": "Nothing"}
"""What a range is compared with. A year is 52 weeks, so that each day meets its own weekday."""
GRAINS = {"hour": "Hours", "day": "Days", "week": "Weeks", "month": "Months"}
"""What charts over time are cut into; hours for one day alone."""
YEAR = timedelta(weeks=52)


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

    def earlier(self, by: timedelta) -> Days:
        return Days(self.first - by, self.last - by)

    def before(self) -> Days:
        """As many days, ending on the day before the first."""
        return self.earlier(timedelta(days=len(self)))


def _ending_yesterday(count: int) -> Callable[[date], Days]:
    return lambda today: Days(today - timedelta(days=count), today - timedelta(days=1))


NAMED: dict[str, tuple[str, Callable[[date], Days]]] = {
    "today": ("Today", lambda today: Days(today, today)),
    "yesterday": ("Yesterday", _ending_yesterday(1)),
    "last-7-days": ("Last 7 days", _ending_yesterday(7)),
    "last-28-days": ("Last 28 days", _ending_yesterday(28)),
    "last-90-days": ("Last 90 days", _ending_yesterday(90)),
    "this-month": ("This month", lambda today: Days(today.replace(day=1), today)),
}
"""Ranges by name: title, and the days as of a shop's current day. Only today and this-month hold today, which is live."""


@dataclass(frozen=True)
class Selection:
    """What the reader asked for: a named or custom range, what it is compared with, and the grain ('' is by length)."""

    name: str
    days: Days
    compare: str = "previous"
    asked_grain: str = ""

    @property
    def title(self) -> str:
        return NAMED[self.name][0] if self.name in NAMED else "Chosen days"

    @property
    def compared(self) -> bool:
        return self.compare != "none"

    @property
    def previous(self) -> Days | None:
        """The days to compare with, as many as the range has."""
        if not self.compared:
            return None
        return self.days.earlier(YEAR) if self.compare == "year" else self.days.before()

    @property
    def grain(self) -> str:
        """hour, day, week or month: what was asked, else what a chart of that many days bears."""
        length = len(self.days)
        return self.asked_grain or ("hour" if length == 1 else "day" if length <= 100 else "week" if length <= 400 else "month")

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters that give this selection again."""
        query = {"range": self.name, "compare": self.compare}
        if self.name == CUSTOM:
            query |= {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        return query | ({"grain": self.asked_grain} if self.asked_grain else {})

    def grains(self) -> list[str]:
        """The grains that this range can be shown in."""
        return [name for name in GRAINS if name != "hour" or len(self.days) == 1]


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


def _one_of(part: str, asked: str, known: Iterable[str]) -> str:
    if asked not in known:
        *most, last = known
        raise RangeError(f"{part} {asked!r} is unknown: it is {', '.join(most)} or {last}")
    return asked


def read(query: Mapping[str, str], today: date, default: str = DEFAULT) -> Selection:
    """The selection of an address's parameters; ``today`` is the shop's current day.

    Without parameters: the range ``default``, compared with as many days before.

    Raises:
        RangeError: a parameter is unknown or malformed, or the days are not a range that a page can show.
    """
    compare = _one_of("compare", query.get("compare") or "previous", COMPARISONS)
    name = query.get("range") or (CUSTOM if query.get("from") or query.get("to") else default)
    _one_of("range", name, [*NAMED, CUSTOM])
    days = _custom(query, today) if name == CUSTOM else NAMED[name][1](today)
    selection = Selection(name, days, compare, query.get("grain") or "")
    if selection.asked_grain:
        _one_of("grain", selection.asked_grain, GRAINS)
        if selection.asked_grain not in selection.grains():
            raise RangeError(f"grain 'hour' shows one day, not {len(days)}: choose one day or another grain")
    return selection
