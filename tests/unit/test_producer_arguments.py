"""The producer's command line, and the pace of a lake day."""

import importlib.util
import sys
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from ecommerce.config import PROJECT_DIR, Settings

CONFIG = Settings(producer_shop="demo", producer_rate=12, seed=7)


@pytest.fixture(scope="module")
def producer():
    spec = importlib.util.spec_from_file_location("producer_script", PROJECT_DIR / "kafka_scripts" / "producer.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_defaults_come_from_the_settings(producer):
    arguments = producer.parse([], CONFIG)
    assert (arguments.shop, arguments.rate, arguments.seed, arguments.seconds) == ("demo", 12, 7, None)


def test_seed_zero_is_a_seed(producer):
    assert producer.parse(["--seed", "0"], CONFIG).seed == 0


def test_a_lake_day(producer):
    arguments = producer.parse(["--from-lake", "--shop", "rees46", "--date", "2019-10-01", "--speed", "60x"], CONFIG)
    assert (arguments.shop, arguments.date, arguments.speed) == ("rees46", date(2019, 10, 1), 60.0)
    assert producer.parse(["--from-lake", "--date", "2019-10-01", "--speed", "max"], CONFIG).speed is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--rate 0", "above 0"),
        ("--rate x", "invalid positive value"),
        ("--from-lake", "needs --date"),
        ("--from-lake --date 2019-10-01 --rate 5", "belong to simulated traffic"),
        ("--from-lake --date 2019-10-01 --speed fast", "neither max nor a factor"),
        ("--from-lake --date 2019-10-01 --speed 0x", "neither max nor a factor"),
        ("--from-lake --date 1.10.2019", "invalid fromisoformat value"),
        ("--date 2019-10-01", "belong to --from-lake"),
    ],
)
def test_a_wrong_line_is_refused_with_its_reason(producer, capsys, line, message):
    with pytest.raises(SystemExit) as error:
        producer.parse(line.split(), CONFIG)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_a_day_is_paced_by_its_own_times(producer, monkeypatch):
    now, first = [0.0], datetime(2019, 10, 1, tzinfo=UTC)
    monkeypatch.setattr(producer.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    events = [SimpleNamespace(event_time=first + timedelta(minutes=m)) for m in (0, 1, 1, 5)]
    assert [now[0] for _ in producer.paced(iter(events), 60.0, wait)] == [0, 1, 1, 5]
