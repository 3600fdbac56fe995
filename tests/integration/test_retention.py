"""What is older than its setting goes, what is younger stays, and nothing goes before it was told."""

import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from ecommerce import lake, retention
from ecommerce.config import settings

pytestmark = pytest.mark.servers
OLD, DAY = datetime.now(UTC) - timedelta(days=100), date(2026, 1, 5)


@pytest.fixture
def config(postgres, tmp_path):
    """A lake and logs with an old and a new thing of each kind, and rows as old in the warehouse."""
    config = replace(
        settings(), lake_dir=tmp_path / "lake", var_dir=tmp_path / "var", keep_landing_days=30, keep_events_days=0, keep_facts_days=30
    )
    for number, created in enumerate((OLD, datetime.now(UTC))):
        for folder in (lake.landing, lake.quarantine):
            partition = folder(config.lake_dir, "till", "uci", f"2026-01-0{number + 1}")
            (partition / "r").mkdir(parents=True)
            (partition / "r" / "f").write_text("x\n")
            lake.publish(partition, lake.Manifest("r", created.isoformat(), [lake.describe(partition, partition / "r" / "f", 1)], {}))
        log = config.var_dir / "logs" / f"{number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("line")
        os.utime(log, (created.timestamp(), created.timestamp()))
    with psycopg.connect(config.postgres_dsn("loader"), autocommit=True) as connection:
        for run, at in (("keep-old", OLD), ("keep-new", datetime.now(UTC))):
            day = DAY if run == "keep-old" else DAY + timedelta(days=1)
            connection.execute(
                "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status) VALUES (%s, 'uci', 's', %s, %s, 'failed')",
                (run, day, day),
            )
            connection.execute(
                "INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, published_at, checksum, measures) VALUES (%s, 'uci', %s, 's', %s, '', '{}')",
                (run, day, at),
            )
            connection.execute(
                "INSERT INTO warehouse.quarantine (run_id, shop_id, source, date, file, line, reason, raw, quarantined_at) VALUES (%s, 'uci', 's', %s, 'f', 1, 'r', '', %s)",
                (run, day, at),
            )
            connection.execute(
                """INSERT INTO warehouse.fct_order (shop_id, date, transaction_id, event_id, ordered_at, lines, units, gross_revenue, discounts, run_id)
                   VALUES ('uci', %s, %s, 'e', now(), 1, 1, 1, 0, %s)""",
                (day, run, run),
            )
        yield config
        for table in ("fct_order", "quarantine", "etl_run_day", "etl_run"):
            connection.execute(f"DELETE FROM warehouse.{table} WHERE run_id LIKE 'keep-%'")


def removed(config, apply: bool) -> dict[str, int]:
    rules = tuple(name for name in retention.RULES if name != "airflow")
    return {one.rule: one.count for one in retention.run(config, apply, rules)}


def test_first_told_then_removed_and_only_what_is_old(config):
    told = removed(config, apply=False)
    assert {name: told[name] for name in ("landing", "events", "quarantine", "facts", "logs")} == {
        "landing": 1,
        "events": 0,
        "quarantine": 1,
        "facts": 1,
        "logs": 1,
    }
    assert removed(config, apply=True) == told, "the first time nothing went"
    assert set(removed(config, apply=True).values()) == {0}
    assert [path.parent.name for path in sorted((config.lake_dir / "landing").rglob(lake.MANIFEST))] == ["date=2026-01-02"]
    assert [path.name for path in (config.var_dir / "logs").iterdir()] == ["1.log"]
    with psycopg.connect(config.postgres_dsn("reader")) as connection:
        for table in ("fct_order", "quarantine"):
            rows = connection.execute(f"SELECT run_id FROM warehouse.{table} WHERE run_id LIKE 'keep-%'").fetchall()
            assert rows == [("keep-new",)]


def test_work_folders_of_a_running_spark_stay(config, monkeypatch):
    folder = config.var_dir / "spark" / "scratch" / "blockmgr-1"
    folder.mkdir(parents=True)
    later = datetime.now(UTC) + timedelta(days=9)
    monkeypatch.setattr(retention, "_cutoff", lambda days: later)
    monkeypatch.setattr(retention, "_java_starts", lambda: [time.time() - 60])
    assert removed(config, apply=False)["scratch"] == 0
    monkeypatch.setattr(retention, "_java_starts", list)
    assert removed(config, apply=False)["scratch"] == 1


def test_what_killed_runs_left_in_the_lake_goes_when_it_is_old(config, monkeypatch):
    partition = lake.landing(config.lake_dir, "till", "uci", "2026-01-03")
    left = [
        partition / "killed",
        lake.scratch(config.lake_dir, "uci"),
        lake.landing(config.lake_dir, "till", "uci", "2026-01-02") / "killed",
    ]
    for folder in left:
        folder.mkdir(parents=True)
    monkeypatch.setattr(retention, "_java_starts", list)
    assert removed(config, apply=True)["scratch"] == 0
    later = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr(retention, "_cutoff", lambda days: later)
    scratch = ("scratch",)
    assert [one.count for one in retention.run(config, False, scratch)] == [3]
    assert [one.count for one in retention.run(config, True, scratch)] == [3]
    assert [folder for folder in left if folder.exists()] == []
    assert (lake.landing(config.lake_dir, "till", "uci", "2026-01-02") / "r").is_dir()


def test_a_partition_that_is_landed_anew_meanwhile_stays(config, monkeypatch):
    partition, exclusive = lake.landing(config.lake_dir, "till", "uci", "2026-01-01"), lake.exclusive

    def after_a_landing(one):
        manifest = lake.read_manifest(partition)
        lake.publish(partition, lake.Manifest("r", datetime.now(UTC).isoformat(), manifest.files))
        return exclusive(one)

    monkeypatch.setattr(lake, "exclusive", after_a_landing)
    list(retention.run(config, True, ("landing",)))
    assert len(lake.files(partition)) == 1


def test_an_unknown_rule_is_named(config):
    with pytest.raises(retention.RetentionError, match="no rule nonsense"):
        list(retention.run(config, apply=False, rules=("nonsense",)))
