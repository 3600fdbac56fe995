"""Rows that do not say their day belong to the runs that covered it, and are put right in the files that landed together."""

from datetime import UTC, date, datetime

import psycopg
import pytest

from ecommerce import etl, lake, quarantine, repair
from ecommerce.config import settings

pytestmark = pytest.mark.servers
TOML = '[files]\nglob = "*.csv"\ndate_from = "column"\n[read]\nformat = "csv"\nevent_ids = "content"\nheader = true\n[columns]\nat = "STRING"\nprice = "STRING"\n'
FIRST, LAST = date(2026, 6, 1), date(2026, 6, 3)


def test_a_row_without_a_day_is_put_right(postgres, tmp_path):
    folder = tmp_path / "ranged"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML)
    (folder / "staging.sql").write_text("SELECT 1 FROM {raw}")
    partition = lake.landing(settings().lake_dir, "ranged", "uci", "2026-06-01_2026-06-03")
    path = partition / "range-1" / "all.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"at,price\r\n2026-06-01,1\r\nsoon,2\r\n2026-06-03,three\r\n")
    lake.publish(partition, lake.Manifest("range-1", datetime.now(UTC).isoformat(), [lake.describe(partition, path, 3)], {}))
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status) VALUES ('range-1', 'uci', 'ranged', %s, %s, 'failed')",
            (FIRST, LAST),
        )
        held = [("soon,2", 3, None, "bad_time: event_time"), ("2026-06-03,three", 4, LAST, "bad_money: price")]
        for raw, line, day, reason in held:
            connection.execute(
                "INSERT INTO warehouse.quarantine (run_id, shop_id, source, date, file, line, reason, raw) VALUES ('range-1', 'uci', 'ranged', %s, 'all.csv', %s, %s, %s)",
                (day, line, reason, raw),
            )
    run = quarantine.plan(
        settings(),
        "uci",
        LAST,
        rows=[{"file": "all.csv", "line": 3, "at": "2026-06-02"}, {"file": "all.csv", "line": 4, "price": "3"}],
        source=str(folder),
    )
    assert (run.from_date, run.to_date) == (FIRST.isoformat(), LAST.isoformat())
    said = []
    etl.ingest(run, said.append)
    assert said[-1]["message"].startswith("2 rows put right")
    (now,) = lake.files(partition)
    assert now.read_bytes() == b"at,price\r\n2026-06-01,1\r\n2026-06-02,2\r\n2026-06-03,3\r\n"
    assert lake.read_manifest(partition).rows == 3
    with pytest.raises(repair.RepairError, match="has no column cost"):
        etl.ingest(quarantine.plan(settings(), "uci", LAST, fix={"cost": "1"}, reason="bad_money", source=str(folder)), said.append)
    with pytest.raises(quarantine.QuarantineError, match="nothing is held back"):
        quarantine.plan(settings(), "uci", date(2020, 1, 1))
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as connection:
        for table in ("quarantine", "etl_run"):
            connection.execute(f"DELETE FROM warehouse.{table} WHERE run_id = 'range-1'")
