"""Numbers, money and dates as people read them."""

from datetime import date
from decimal import Decimal

import pytest

from analytics import formats

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("391094.0800", "GBP", "£391,094.08"),
        ("-209.2", "EUR", "−€209.20"),
        ("0.005", "EUR", "€0.00"),
        ("0.015", "EUR", "€0.02"),
        ("-0.0001", "EUR", "€0.00"),
        ("1234.5", "JPY", "JP¥1,234"),
        ("99999999999999.9999", "USD", "US$100,000,000,000,000.00"),
        ("12345678901234.5678", "EUR", "€12,345,678,901,234.57"),
    ],
)
def test_money_is_exact_to_the_penny(amount, currency, text):
    assert formats.money(Decimal(amount), currency) == text


def test_a_column_shows_as_many_decimals_as_it_needs_to_add_up():
    amounts = [Decimal("6304826.0620"), Decimal("-22124.1200"), Decimal(0)]
    assert formats.places(amounts, "GBP") == 3
    assert formats.money(amounts[0], "GBP", 3) == "£6,304,826.062"
    assert formats.places([Decimal("1200.0000")], "EUR") == 2


def test_unknown_is_a_dash_and_zero_is_zero():
    assert (formats.money(None, "EUR"), formats.count(None), formats.percent(None)) == ("–", "–", "–")
    assert (formats.money(Decimal(0), "EUR"), formats.count(0), formats.percent(Decimal(0))) == ("€0.00", "0", "0.00%")


def test_changes_have_a_sign_unless_they_round_to_nothing():
    assert formats.signed_percent(Decimal("0.0724")) == "+7.2%"
    assert formats.signed_percent(Decimal("-0.0004")) == "0.0%"
    assert formats.signed_percent(Decimal("12.5")) == "+1,250.0%"
    assert formats.points(Decimal("-0.0009")) == "−0.09 pp"
    assert formats.points(Decimal("0.00001")) == "0.00 pp"


def test_dates_have_a_year_when_it_is_not_this_one():
    assert formats.short_day(date(2026, 11, 17), TODAY) == "17 Nov"
    assert formats.long_day(date(2011, 8, 4), TODAY) == "Thu 4 Aug 2011"
    assert formats.span(date(2026, 10, 21), date(2026, 11, 17), TODAY) == "21 Oct – 17 Nov"
    assert formats.span(date(2026, 11, 11), date(2026, 11, 17), TODAY) == "11 – 17 Nov"
    assert formats.span(date(2010, 12, 1), date(2011, 8, 31), TODAY) == "1 Dec 2010 – 31 Aug 2011"
    assert formats.span(date(2026, 11, 17), date(2026, 11, 17), TODAY) == "17 Nov"


@pytest.mark.parametrize(
    ("accepted", "texts"),
    [
        ("de-DE,de;q=0.9", ("−1.234,50\u00a0€", "12.345", "2,57\u00a0%", "−7,2\u00a0%", "+0,10 pp")),
        ("en-US", ("−€1,234.50", "12,345", "2.57%", "−7.2%", "+0.10 pp")),
        ("zz-zz,*;q=0.1", ("−€1,234.50", "12,345", "2.57%", "−7.2%", "+0.10 pp")),
        ("x" * 10_000, ("−€1,234.50", "12,345", "2.57%", "−7.2%", "+0.10 pp")),
    ],
)
def test_numbers_are_written_in_the_readers_locale(accepted, texts):
    with formats.reading(formats.locale_of(accepted)):
        written = (
            formats.money(Decimal("-1234.5"), "EUR"),
            formats.count(12345),
            formats.percent(Decimal("0.0257")),
            formats.signed_percent(Decimal("-0.072")),
            formats.points(Decimal("0.001")),
        )
    assert written == texts
    assert formats.count(12345) == "12,345", "the locale ends with the request"
