"""A backup taken from a running platform and restored into an empty one gives the same warehouse, lake, live state and secrets."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from unittest.mock import Mock

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from shop_events import NOON, SHOP, event, purchase

from ecommerce import backup, ingest, lake
from ecommerce.config import PROJECT_DIR
from ecommerce.live import Accepted, Batch, LiveState, LiveWriter, Origin
from ecommerce.local import servers
from ecommerce.shops import shop

pytestmark = pytest.mark.servers
DAY = date(2026, 3, 5)
TABLES = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema IN ('warehouse', 'public') ORDER BY 1, 2"""
ROWS = """
    INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status) VALUES ('r1', 'demo', 's', now(), now(), 'running');
    INSERT INTO warehouse.fct_order_line (shop_id, date, event_id, item_index, line_type, event_at, quantity, price, amount, discount, run_id,
        first_of_product, first_of_category)
    VALUES ('demo', '2026-03-05', 'e1', 0, 'adjustment', '2026-03-05 12:00+00', 1, 2.5, 2.5, 0, 'r1', true, true);
    INSERT INTO public.auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined)
    VALUES ('ann', 'x', false, '', '', '', false, true, now());
"""


def migrate(settings):
    command = [sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "migrate", "--database", "owner", "-v", "0"]
    subprocess.run(command, check=True, env={**os.environ, **servers.environment(settings)})


def contents(settings) -> dict[str, list[str]]:
    """The rows, as texts, of every table of the warehouse, of the dashboard's accounts and of Airflow."""
    found = {}
    for database in ("ecommerce", "airflow"):
        with psycopg.connect(replace(settings, postgres_database=database).postgres_dsn("admin")) as connection:
            for schema, table in connection.execute(TABLES).fetchall():
                rows = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(schema, table))
                found[f"{database}.{schema}.{table}"] = [text for (text,) in connection.execute(rows)]
    return found


def fill(settings) -> None:
    """A run with a fact, an account, and a table of Airflow's."""
    with psycopg.connect(settings.postgres_dsn("admin")) as connection:
        connection.execute(ROWS)
    with psycopg.connect(replace(settings, postgres_database="airflow").postgres_dsn("airflow"), autocommit=True) as connection:
        connection.execute("CREATE TABLE dag_run AS SELECT 'ecommerce_etl' AS dag_id, n AS id FROM generate_series(1, 3) n")


def count_live(settings, origin: str) -> dict:
    with Redis(**settings.redis_options) as client:
        writer = LiveWriter(client, Origin(origin, "shop.events", origin), {"demo": SHOP})
        claim = writer.claim(0, 0)
        made = [event(), purchase("T1")] if origin == "first" else [purchase("T2")]
        writer.apply(
            claim,
            Batch(0, claim.next, claim.next + len(made), [Accepted(claim.next + n, e) for n, e in enumerate(made)], []),
            lambda refused: None,
        )
        return LiveState(client).snapshot(SHOP, NOON.date())["measures"]


def test_it_comes_back_whole_into_an_empty_platform(tmp_path, monkeypatch):
    old = servers.isolated_settings(tmp_path / "old")
    partition = lake.landing(old.lake_dir, "simulated", "demo", DAY.isoformat())
    monkeypatch.setattr(ingest, "settings", lambda: old)
    ingest.land_simulated("r1", shop("demo"), DAY, 1)
    (old.var_dir / "first_start").write_text("2026-03-01\n")
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup").chmod(0o755)
    with servers.running(old, "postgres", "redis"):
        migrate(old)
        fill(old)
        live, rows = count_live(old, "first"), contents(old)
        made = backup.backup(old, tmp_path / "backup", print)
        assert stat.filemode((tmp_path / "backup").stat().st_mode) == "drwx------"
        with pytest.raises(backup.BackupError, match="not empty"):
            backup.backup(old, tmp_path / "backup", print)
    for table in (
        "ecommerce.warehouse.etl_run",
        "ecommerce.warehouse.fct_order_line",
        "ecommerce.public.auth_user",
        "airflow.public.dag_run",
    ):
        assert rows[table], table
    assert made.databases == ["ecommerce", "airflow"]

    new = servers.isolated_settings(tmp_path / "new")
    for path in new.secrets_dir.iterdir():
        path.unlink()
    (new.var_dir / servers.ISOLATED).unlink()  # or its data would go when restore stops its server
    backup.restore(new, tmp_path / "backup", print)
    (new.var_dir / servers.ISOLATED).touch()
    assert new.secret("customer_hmac_key") == old.secret("customer_hmac_key")
    with servers.running(new, "postgres", "redis"):
        migrate(new)
        assert contents(new) == rows
        counted = count_live(new, "another log")
    assert counted["orders"] == live["orders"] + 1
    there = lake.landing(new.lake_dir, "simulated", "demo", DAY.isoformat())
    assert lake.read_manifest(there) == lake.read_manifest(partition)
    assert [path.read_bytes() for path in lake.files(there)] == [path.read_bytes() for path in lake.files(partition)]
    with pytest.raises(backup.BackupError, match="holds data"):
        backup.restore(new, tmp_path / "backup", print)


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "theirs"
    folder.mkdir()
    monkeypatch.setattr(Path, "chmod", Mock(side_effect=PermissionError(1, "Operation not permitted")))
    with pytest.raises(backup.BackupError, match=r"theirs cannot be closed to others .*: name a folder of your own"):
        backup.backup(None, folder, print)
    assert list(folder.iterdir()) == []


def test_a_damaged_backup_changes_nothing(tmp_path):
    folder, new = tmp_path / "backup", servers.isolated_settings(tmp_path / "new")
    with pytest.raises(backup.BackupError, match="holds no backup"):
        backup.restore(new, tmp_path, print)
    folder.mkdir()
    (folder / backup.INDEX).write_text(
        '{"version":"0.1.0","format":1,"created_at":"2026-01-01T00:00:00Z","databases":[],"files":{"x.dump":"00"}}'
    )
    with pytest.raises(backup.BackupError, match=r"x\.dump is absent"):
        backup.restore(new, folder, print)
    assert not (new.var_dir / "postgres").exists()
