"""Rows that do not say their day belong to the runs that covered it, and are put right in the files that landed together."""

from datetime import UTC, date, datetime, timedelta

import batch_runs
import psycopg
import pytest

from ecommerce import etl, lake, quarantine, repair
from ecommerce.config import settings

pytestmark = pytest.mark.servers
TOML = '[files]\nglob = "*.csv"\ndate_from = "column"\n[read]\nformat = "csv"\nevent_ids = "content"\nheader = true\n[columns]\nat = "STRING"\nprice = "STRING"\n'
FIRST, LAST = date(2026, 6, 1), date(2026, 6, 3)
SQL = """
SELECT 'purchase' AS event_name, try_to_timestamp(concat(at, ' 12:00:00 ', :time_zone), 'yyyy-MM-dd HH:mm:ss VV') AS event_time,
       md5(concat(at, price)) AS transaction_id, :currency AS currency, 'A' AS item_id, 'Lamp' AS item_name,
       try_cast(price AS DECIMAL(18, 4)) AS price, 1L AS quantity, _row
FROM {raw}
"""
HELD = "INSERT INTO warehouse.quarantine (run_id, shop_id, source, date, file, line, reason, raw) VALUES (%s, 'uci', %s, %s, 'all.csv', %s, %s, %s)"
RUN = "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status) VALUES (%s, 'uci', %s, %s, %s, 'published')"


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
        connection.execute(RUN, ("range-1", "ranged", FIRST, LAST))
        held = [("soon,2", 3, None, "bad_time: event_time"), ("2026-06-03,three", 4, LAST, "bad_money: price")]
        for raw, line, day, reason in held:
            connection.execute(HELD, ("range-1", "ranged", day, line, reason, raw))
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


def test_a_run_that_holds_nothing_back_leaves_nothing_held_back(postgres, redis_server, spark, tmp_path):
    folder = tmp_path / "put_right"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML)
    (folder / "staging.sql").write_text(SQL)
    body = b"at,price\n2026-06-01,1.00\nsoon,2.00\n2026-06-03,3.00\n"
    batch_runs.land_lines("uci", "put_right", "2026-06-01_2026-06-03", "all.csv", body, 3)
    assert batch_runs.run("right-1", "uci", str(folder), "2026-06-01", "2026-06-03")[0] == 0
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as connection:
        connection.execute(RUN, ("right-0", "put_right", FIRST, FIRST))
        connection.execute(HELD, ("right-0", "put_right", None, 2, "bad_time", "soon,2.00"))
        connection.execute(RUN, ("right-later", "put_right", LAST, LAST + timedelta(days=1)))
        connection.execute(HELD, ("right-later", "put_right", None, 9, "bad_time", "late,9.00"))
    assert held("put_right") == [("right-0", 2), ("right-1", 3), ("right-later", 9)]

    quarantine.replay(settings(), "uci", FIRST, print, rows=[{"file": "all.csv", "line": 3, "at": "2026-06-02"}], source=str(folder))
    assert batch_runs.day_of("uci", "2026-06-02")["gross_revenue"] == 2
    assert held("put_right") == [("right-later", 9)], "rows of a range that this run did not cover stay"
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as connection:
        connection.execute("DELETE FROM warehouse.quarantine WHERE source = 'put_right'")


def held(source: str) -> list[tuple[str, int]]:
    """The run and line of each row held back."""
    return [
        tuple(row.values()) for row in batch_runs.rows("SELECT run_id, line FROM warehouse.quarantine WHERE source = %s ORDER BY 1", source)
    ]
