"""Each alert appears when its cause does and goes when the cause goes."""

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from ecommerce import alerts, lake
from ecommerce.config import settings
from ecommerce.local import commands, servers
from ecommerce.shops import shop

pytestmark = pytest.mark.servers


def kinds(config=None) -> list[tuple[str, str]]:
    return [(alert.kind, alert.message) for alert in alerts.alerts(config or settings())]


@pytest.fixture
def beat(platform):
    path = settings().var_dir / "run" / "tester.heartbeat"
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(**values):
        path.write_bytes(msgspec.json.encode({"at": datetime.now(UTC).isoformat(), "state": "running", **values}))

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture
def loader(postgres, redis_server):
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as connection:
        yield connection
        for table in ("quarantine", "etl_run_day", "etl_run"):
            connection.execute(f"DELETE FROM warehouse.{table} WHERE run_id LIKE 'alert-%'")


def test_workers_that_are_silent_waiting_behind_or_had_an_incident(loader, beat):
    beat(lag=0)
    assert not [one for one in kinds() if "tester" in one[1]]
    at = datetime.now(UTC)
    beat(state="waiting for Kafka", lag=settings().lag_alert_records + 1)
    assert [kind for kind, message in kinds() if "tester" in message] == ["worker", "lag"]
    beat(state="stopped", incident="log_lost", message="3 records are gone")
    assert [(kind, message) for kind, message in kinds() if "tester" in message] == [("incident", "tester: log_lost: 3 records are gone")]
    beat(at=(at - timedelta(minutes=5)).isoformat())
    assert [message for _, message in kinds() if "tester has not reported since" in message]


def test_a_full_disk(loader, platform):
    assert not [one for one in kinds() if one[0] == "disk"]
    assert [one for one in kinds(replace(settings(), disk_alert_percent=0.1)) if one[0] == "disk"]


def test_a_failed_run_until_its_days_are_published(loader):
    loader.execute(
        """INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, finished_at, message)
           VALUES ('alert-1', 'uci', 'x', '2020-01-01', '2020-01-02', 'blocked', now(), 'a check')"""
    )
    assert [message for kind, message in kinds() if kind == "run" and "alert-1 of uci 2020-01-01..2020-01-02 blocked: a check" in message]
    for day in ("2020-01-01", "2020-01-02"):
        loader.execute(
            "INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures) VALUES ('alert-1', 'uci', %s, 'x', '', '{}')",
            (day,),
        )
    assert not [message for kind, message in kinds() if "alert-1" in message]


def test_rows_held_back(loader):
    insert = "INSERT INTO warehouse.quarantine (run_id, shop_id, source, file, line, reason, raw) SELECT 'alert-2', 'newcomer', 'x', 'f', n, 'r', '' FROM generate_series(1, %s) n"
    loader.execute(insert, (settings().quarantine_alert_rows,))
    assert "quarantine" not in dict(kinds())
    loader.execute(insert, (1,))
    assert dict(kinds())["quarantine"].startswith("newcomer: 101 rows held back")


def test_a_scheduled_day_that_is_not_published_by_its_deadline(loader):
    mark = settings().var_dir / "first_start"
    today = shop("demo").today()
    mark.write_text(f"{today}\n")
    try:
        assert "freshness" not in dict(kinds()), "the history is still within its time"
        long_ago = datetime.now(UTC) - timedelta(days=9)
        os.utime(mark, (long_ago.timestamp(), long_ago.timestamp()))
        assert "not published 6 h after its end" in dict(kinds())["freshness"]
    finally:
        mark.unlink()


@pytest.fixture
def long_ago(loader):
    """The platform was first started nine days ago, and every day since is published from the simulator; the day that a test is about."""
    today = shop("demo").today()
    mark, began = settings().var_dir / "first_start", datetime.now(UTC) - timedelta(days=9)
    mark.write_text(f"{today - timedelta(days=3)}\n")
    os.utime(mark, (began.timestamp(), began.timestamp()))
    days = [today - timedelta(days=number) for number in range(1, settings().history_days + 4)]
    loader.execute(
        """INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, inputs)
           VALUES ('alert-3', 'demo', 'simulated', %s, %s, 'published', '[]')""",
        (days[-1], days[0]),
    )
    for day in days:
        loader.execute(
            """INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures, published_at)
               VALUES ('alert-3', 'demo', %s, 'simulated', '', '{}', '2099-01-01')""",
            (day,),
        )
    yield days[1]
    mark.unlink()


def late() -> list[tuple[str, str]]:
    return [(alert.message, alert.remedy) for alert in alerts.alerts(settings()) if alert.kind == "freshness"]


def test_a_published_day_is_final_until_something_contradicts_it(loader, long_ago):
    assert late() == []


def test_a_simulated_day_with_real_traffic(loader, long_ago):
    archive(long_ago, rows=4)
    try:
        ((message, remedy),) = late()
        assert message == f"demo: {long_ago} is not final: real traffic came that no batch run holds yet"
        assert f"ecommerce etl --shop demo --from {long_ago} --to {long_ago}" in remedy
    finally:
        shutil.rmtree(lake.events(settings().lake_dir, "kafka", "demo", long_ago))


def test_a_day_whose_archive_grew_after_its_run(loader, long_ago):
    folder = archive(long_ago, rows=4)
    read = json.dumps([{"path": folder.relative_to(settings().lake_dir).as_posix(), "rows": 3}])
    loader.execute("UPDATE warehouse.etl_run SET inputs = %s WHERE run_id = 'alert-3'", (read,))
    loader.execute("UPDATE warehouse.etl_run_day SET source = 'kafka' WHERE run_id = 'alert-3' AND date = %s", (long_ago,))
    try:
        ((message, remedy),) = late()
        assert message == f"demo: {long_ago} is not final: 1 rows were archived since run alert-3 read the day: run it again"
        assert "ecommerce etl" in remedy
        loader.execute("UPDATE warehouse.etl_run SET inputs = %s WHERE run_id = 'alert-3'", (read.replace("3}", "4}"),))
        assert late() == []
    finally:
        shutil.rmtree(folder)


def test_a_day_whose_live_and_batch_figures_differ_without_an_explanation(loader, long_ago):
    loader.execute(
        "INSERT INTO warehouse.reconciliation (shop_id, date, measure, live, batch, agrees, explanation, run_id) VALUES ('demo', %s, 'orders', 1, 2, false, '', 'alert-3')",
        (long_ago,),
    )
    ((message, remedy),) = late()
    assert message == f"demo: {long_ago} is not final: live and batch differ without an explanation in orders"
    assert "runs list" in remedy
    loader.execute("DELETE FROM warehouse.reconciliation WHERE run_id = 'alert-3'")


def test_status_names_the_day_and_ends_with_1_until_it_is_final(loader, long_ago, monkeypatch, capsys):
    """The services are those of a machine where all is well."""
    monkeypatch.setattr(commands.supervision, "alive", lambda config: True)
    monkeypatch.setattr(commands.health, "conditions", lambda config: [])
    others = alerts.alerts(settings())
    folder = archive(long_ago, rows=4)
    try:
        with pytest.raises(SystemExit) as ended:
            commands.status()
        assert ended.value.code == 1
        assert f"{long_ago} is not final" in capsys.readouterr().out
    finally:
        shutil.rmtree(folder)
    with pytest.raises(SystemExit) as ended:
        commands.status()
    assert ended.value.code == bool(others)
    assert "is not final" not in capsys.readouterr().out


def archive(day, rows: int):
    """A manifest of ``rows`` archived rows of the demo shop's day; its folder."""
    folder = lake.events(settings().lake_dir, "kafka", "demo", day)
    path = folder / "archive" / "a.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"only the manifest is read")
    lake.publish(folder, lake.Manifest("archive", datetime.now(UTC).isoformat(), [lake.describe(folder, path, rows)], {}))
    return folder


def test_a_store_that_is_away(postgres, tmp_path):
    away = servers.isolated_settings(tmp_path)
    assert {kind for kind, _ in kinds(away)} == {"store"}
    assert len(kinds(away)) == 2
