"""Numbers, money and dates as people read them. Exact: Decimals in, never a float between.

A true minus sign, two decimals for conversion and refund rate, one for changes; unknown is "–".
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_precision

LOCALE = Locale("en", "GB")
UNKNOWN = "–"


def _minus(text: str) -> str:
    return text.replace("-", "−")


@lru_cache(maxsize=64)
def _pattern(places: int) -> str:
    return "¤#,##0" + ("." + "0" * places if places else "")


def places(amounts: list[Decimal], currency: str) -> int:
    """Decimals that show every one of ``amounts`` exactly, at least the currency's own."""
    needed = (-amount.normalize().as_tuple().exponent for amount in amounts if amount)
    return max([get_currency_precision(currency), *needed])


def money(amount: Decimal | None, currency: str, decimals: int | None = None) -> str:
    """``amount`` in ``currency``, to its smallest coin or to ``decimals`` places: €1,204.00, −£209.20."""
    if amount is None:
        return UNKNOWN
    if decimals is None:
        decimals = get_currency_precision(currency)
    rounded = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN) + 0
    return _minus(format_currency(rounded, currency, format=_pattern(decimals), locale=LOCALE, currency_digits=False))


def count(number: int | Decimal | None) -> str:
    """A whole number: 6,968."""
    return UNKNOWN if number is None else _minus(format_decimal(number, format="#,##0", locale=LOCALE))


def percent(quotient: Decimal | None, decimals: int = 2) -> str:
    """A quotient in per cent: 0.0257 is 2.57%."""
    return UNKNOWN if quotient is None else _minus(f"{_rounded(quotient * 100, decimals)}%")


def _rounded(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN) + 0


def signed_percent(quotient: Decimal) -> str:
    """A change of an amount: +7.2%, −0.1%, 0.0%."""
    number = _rounded(quotient * 100, 1)
    return _minus(f"{number:+,}%") if number else "0.0%"


def points(difference: Decimal) -> str:
    """A change of a ratio in percentage points: −0.09 pp."""
    number = _rounded(difference * 100, 2)
    return _minus(f"{number:+} pp") if number else "0.00 pp"


def short_day(day: date, today: date) -> str:
    """17 Nov; with the year where it is not this one."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


def long_day(day: date, today: date) -> str:
    """Tue 17 Nov; with the year where it is not this one."""
    return f"{day:%a} {short_day(day, today)}"


def span(first: date, last: date, today: date) -> str:
    """21 Oct – 17 Nov; 11 – 17 Nov within a month; years where one is not this year."""
    if first == last:
        return short_day(last, today)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} – {short_day(last, today)}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {short_day(last, today)}"
    return f"{first.day} {first:%b} {first.year} – {last.day} {last:%b} {last.year}"


def clock(instant: datetime) -> str:
    """14:32, in the instant's own zone."""
    return f"{instant:%H:%M}"


def slash_free(text: str) -> str:
    """``text`` as part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in text)
