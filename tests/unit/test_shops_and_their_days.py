from datetime import UTC, date, datetime, timedelta

import pytest

from ecommerce.config import ConfigError
from ecommerce.shops import Shop, read, shop

WHOLE = '[a]\nname = "A"\ntime_zone = "UTC"\ncurrency = "EUR"\n'
BERLIN = Shop("demo", "Demo", "Europe/Berlin", "EUR")


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_shop_day_lasts_as_long_as_the_clock_says(day, hours):
    begin, end = BERLIN.bounds(day)
    assert end - begin == timedelta(hours=hours)
    assert BERLIN.day_of(begin) == day
    assert BERLIN.day_of(end - timedelta(microseconds=1)) == day
    assert BERLIN.day_of(end) == day + timedelta(days=1)


def test_an_event_before_midnight_utc_may_fall_on_the_shops_next_day():
    assert BERLIN.day_of(datetime(2026, 6, 1, 22, 30, tzinfo=UTC)) == date(2026, 6, 2)


def test_an_unknown_shop_is_an_error_that_prints_the_lines_to_add():
    with pytest.raises(ConfigError, match=r"(?s)unknown shop 'mine'.*\[mine\]\nname = "):
        shop("mine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "not valid TOML"),
        ('[a]\nname = "A"\ncurrency = "EUR"\n', "time_zone"),
        ('[a]\nname = "A"\ntime_zone = "Mars/Base"\ncurrency = "EUR"\n', "unknown time zone 'Mars/Base'"),
        ('[a]\nname = "A"\ntime_zone = "UTC"\ncurrency = "EUR"\ncolour = "red"\n', "colour"),
        (WHOLE + 'empty_days = "2026-12-25"\n', "empty_days must be a list of dates"),
        (WHOLE + 'empty_days = ["2026-12-25"]\n', "empty_days must be a list of dates"),
        (WHOLE + "empty_days = [2026-12-25T00:00:00]\n", "empty_days must be a list of dates"),
    ],
)
def test_a_malformed_list_of_shops_names_what_is_wrong(tmp_path, text, message):
    (tmp_path / "shops.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read(tmp_path / "shops.toml")


def test_days_that_may_be_empty_are_dates(tmp_path):
    (tmp_path / "shops.toml").write_text(WHOLE + "empty_days = [2026-12-25]\n")
    assert read(tmp_path / "shops.toml")["a"].empty_days == (date(2026, 12, 25),)
