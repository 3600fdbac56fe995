"""Numbers, money and dates as people read them, numbers in the reader's locale. Exact: Decimals in, never a float between.

A true minus sign, two decimals for conversion and refund rate, one for changes; unknown is "–".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, format_decimal, get_currency_precision, get_decimal_symbol
from django.utils.translation.trans_real import parse_accept_lang_header

from ecommerce.inert import inert as inert

DEFAULT = Locale("en", "GB")
UNKNOWN = "–"
_reader: ContextVar[Locale] = ContextVar("reader's locale", default=DEFAULT)


def locale_of(accepted: str) -> Locale:
    """The reader's locale of an Accept-Language header: the best that CLDR knows, else en-GB. It rules numbers, not words."""
    for wanted, _ in parse_accept_lang_header(accepted[:200]):
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return DEFAULT


@contextmanager
def reading(locale: Locale) -> Iterator[None]:
    """Numbers are written for ``locale`` within."""
    token = _reader.set(locale)
    try:
        yield
    finally:
        _reader.reset(token)


def locale_tag() -> str:
    """The current locale as browsers name it, with the digits that the pages use: en-GB-u-nu-latn."""
    return f"{_reader.get()}-u-nu-latn".replace("_", "-")


def point() -> str:
    """The current locale's decimal separator."""
    return get_decimal_symbol(_reader.get())


def _minus(text: str) -> str:
    return text.replace("-", "−")


@lru_cache(maxsize=256)
def _pattern(locale: Locale, unit: str, decimals: int) -> NumberPattern:
    pattern = copy(locale.currency_formats["standard"] if unit == "money" else locale.percent_formats[None])
    pattern.frac_prec = (decimals, decimals)
    return pattern


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
    locale = _reader.get()
    return _minus(_pattern(locale, "money", decimals).apply(rounded, locale, currency=currency, currency_digits=False))


def count(number: int | Decimal | None) -> str:
    """A whole number: 6,968."""
    return UNKNOWN if number is None else _minus(format_decimal(number, format="#,##0", locale=_reader.get()))


def number(value: Decimal | float | None, decimals: int) -> str:
    """A number with so many decimals: 6.09."""
    return UNKNOWN if value is None else _minus(format_decimal(value, format="#,##0." + "0" * decimals, locale=_reader.get()))


def percent(quotient: Decimal | None, decimals: int = 2) -> str:
    """A quotient in per cent: 0.0257 is 2.57%."""
    if quotient is None:
        return UNKNOWN
    locale = _reader.get()
    exact = _rounded(quotient, decimals + 2)
    return _minus(_pattern(locale, "percent", decimals).apply(exact, locale))


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN) + 0


def signed_percent(quotient: Decimal) -> str:
    """A change of an amount: +7.2%, −0.1%, 0.0%."""
    return _plus(_rounded(quotient, 3)) + percent(quotient, 1)


def points(difference: Decimal) -> str:
    """A change of a ratio in percentage points: −0.09 pp."""
    value = _rounded(difference * 100, 2)
    return f"{_plus(value)}{number(value, 2)} pp"


def _plus(value: Decimal) -> str:
    return "+" if value > 0 else ""


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
