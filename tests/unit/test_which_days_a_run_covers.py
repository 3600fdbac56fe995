from datetime import UTC, date, datetime, timedelta

import pytest

from ecommerce import etl, lake, schedule
from ecommerce.config import ConfigError, Settings
from ecommerce.origins import Origin
from ecommerce.shops import Shop

TODAY = date(2026, 11, 23)


class FixedShop(Shop):
    def today(self):
        return TODAY


@pytest.fixture(autouse=True)
def platform(tmp_path, monkeypatch):
    demo = FixedShop("demo", "Demo", "Europe/Berlin", "EUR", scheduled=True)
    west = FixedShop("west", "West", "America/New_York", "USD", scheduled=True)
    config = Settings(var_dir=tmp_path, lake_dir=tmp_path / "lake")
    for module in (etl, schedule):
        monkeypatch.setattr(module, "settings", lambda: config)
    monkeypatch.setattr(etl, "find_shop", {"demo": demo, "west": west}.__getitem__)
    monkeypatch.setattr(schedule, "shop", {"demo": demo, "west": west}.__getitem__)
    monkeypatch.setattr(schedule, "shops", lambda: {"demo": demo, "west": west})
    monkeypatch.setattr(etl, "origins", lambda *_: {})
    return config


def archive(config, day):
    partition = lake.events(config.lake_dir, "kafka", "demo", day)
    partition.mkdir(parents=True)
    lake.publish(partition, lake.Manifest("r", "now"))


def published(monkeypatch, origin, *days):
    monkeypatch.setattr(etl, "origins", lambda *_: dict.fromkeys(days, origin))


def days(runs):
    return [(run.source, run.from_date, run.to_date) for run in runs]


def test_a_day_with_real_traffic_is_read_from_the_archive_and_others_are_simulated(platform):
    archive(platform, date(2026, 11, 21))
    runs = etl.plan("demo", date(2026, 11, 19), date(2026, 11, 22))
    assert days(runs) == [
        ("simulated", "2026-11-19", "2026-11-20"),
        ("kafka", "2026-11-21", "2026-11-21"),
        ("simulated", "2026-11-22", "2026-11-22"),
    ]


def test_a_day_loaded_from_files_stays_with_its_files(platform, monkeypatch):
    archive(platform, date(2026, 11, 21))
    published(monkeypatch, Origin("my_files"), date(2026, 11, 21))
    assert days(etl.plan("demo", date(2026, 11, 21), date(2026, 11, 21))) == [("my_files", "2026-11-21", "2026-11-21")]


@pytest.mark.parametrize("source", ["auto", "simulated"])
def test_a_day_of_real_traffic_that_has_left_the_lake_is_not_simulated(monkeypatch, source):
    published(monkeypatch, Origin("kafka"), date(2026, 11, 20))
    with pytest.raises(etl.EtlError, match=r"no longer in the lake|never simulated"):
        etl.plan("demo", date(2026, 11, 19), date(2026, 11, 21), source)
    with pytest.raises(etl.EtlError, match="never simulated"):
        etl.plan("demo", date(2026, 11, 20), date(2026, 11, 20), "simulated", "files")
    assert days(etl.plan("demo", date(2026, 11, 20), date(2026, 11, 20), "my_files", "files"))[0][0] == "my_files"


@pytest.mark.parametrize("source", ["auto", "path/to/my_files"])
def test_days_whose_files_landed_together_are_run_together(monkeypatch, source):
    week = [date(2026, 11, day) for day in range(2, 9)]
    published(monkeypatch, Origin("path/to/my_files", (week[0], week[-1])), *week)
    assert days(etl.plan("demo", week[0], week[-1], source)) == [("path/to/my_files", "2026-11-02", "2026-11-08")]
    with pytest.raises(etl.EtlError, match=r"landed together .* --source path/to/my_files --from 2026-11-02 --to 2026-11-08"):
        etl.plan("demo", week[3], week[3], source)
    assert etl.plan("demo", week[3], week[3], "path/to/my_files", "newer")  # its files land on their own
    assert etl.plan("demo", week[3], week[3], "others")


def test_a_range_takes_each_landing_on_its_own(monkeypatch):
    weeks = {(date(2026, 11, day), date(2026, 11, day + 6)): [date(2026, 11, day + n) for n in range(7)] for day in (2, 9)}
    known = {day: Origin("my_files", week) for week, its_days in weeks.items() for day in its_days}
    monkeypatch.setattr(etl, "origins", lambda *_: known)
    assert days(etl.plan("demo", date(2026, 11, 1), date(2026, 11, 15))) == [
        ("simulated", "2026-11-01", "2026-11-01"),
        ("my_files", "2026-11-02", "2026-11-08"),
        ("my_files", "2026-11-09", "2026-11-15"),
    ]


@pytest.mark.parametrize(
    ("first", "last", "options", "message"),
    [
        (date(2026, 11, 22), date(2026, 11, 21), {}, "swap them"),
        (TODAY, TODAY, {}, "2026-11-23 is not over in Europe/Berlin"),
        (date(2026, 11, 21), date(2026, 11, 21), {"source": "simulated"}, "never simulated"),
        (date(2026, 11, 20), date(2026, 11, 20), {"input": "files"}, "--input needs --source"),
    ],
)
def test_a_range_that_cannot_be_run_says_why(platform, first, last, options, message):
    archive(platform, date(2026, 11, 21))
    with pytest.raises(etl.EtlError, match=message):
        etl.plan("demo", first, last, **options)


def test_a_scheduled_run_is_one_day_of_every_scheduled_shop():
    runs = schedule.runs(date(2026, 11, 20), "", None, None, "auto", "", 1)
    assert [(run.shop_id, run.from_date, run.to_date) for run in runs] == [
        ("demo", "2026-11-20", "2026-11-20"),
        ("west", "2026-11-20", "2026-11-20"),
    ]


def test_a_triggered_run_takes_its_parameters_and_by_default_yesterday():
    assert days(schedule.runs(None, "demo", None, None, "auto", "", 1)) == [("simulated", "2026-11-22", "2026-11-22")]
    assert days(schedule.runs(date(2026, 11, 1), "demo", date(2026, 11, 5), date(2026, 11, 6), "auto", "", 1)) == [
        ("simulated", "2026-11-05", "2026-11-06")
    ]


@pytest.mark.parametrize(("zone", "settles_at"), [("Europe/Berlin", 0), ("America/New_York", 6), ("UTC", 1)])
def test_a_day_settles_an_hour_after_its_end_in_the_shops_zone(zone, settles_at):
    shop, day = Shop("s", "S", zone, "EUR"), date(2026, 11, 20)
    instant = datetime(2026, 11, 21, settles_at, tzinfo=UTC)
    assert schedule.settled(shop, day, instant)
    assert not schedule.settled(shop, day, instant - timedelta(seconds=1))


def test_a_scheduled_run_waits_until_the_day_is_settled_everywhere(monkeypatch):
    monkeypatch.setattr(schedule, "settled", lambda shop, day: shop.shop_id != "west")
    assert schedule.runs(date(2026, 11, 20), "", None, None, "auto", "", 1) is None


def test_the_first_day_is_fixed_at_the_first_start(platform):
    with pytest.raises(ConfigError, match="make up"):
        schedule.first_day()
    (platform.var_dir / "first_start").write_text("2026-11-23\n")
    assert schedule.first_day() == date(2026, 10, 24)
