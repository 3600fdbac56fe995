"""A source of a user's own: what is wrong is held back, named or stops the run, and the published day stays."""

from decimal import Decimal

import batch_runs
import pytest

from ecommerce import etl, ingest
from ecommerce.config import settings

pytestmark = pytest.mark.servers
DAY, NEXT = "2026-02-01", "2026-02-02"
TOML = """
[files]
glob = "*.csv"
date_from = "path"
date_pattern = '(\\d{4}-\\d{2}-\\d{2})\\.csv$'
[read]
format = "csv"
multiline = true
event_ids = "content"
[columns]
order = "STRING"
at = "STRING"
sku = "STRING"
name = "STRING"
price = "STRING"
n = "STRING"
"""
SQL = """
SELECT 'purchase' AS event_name, try_to_timestamp(concat(at, ' ', :time_zone), 'yyyy-MM-dd HH:mm:ss VV') AS event_time,
       `order` AS transaction_id, :currency AS currency, sku AS item_id, name AS item_name,
       try_cast(price AS DECIMAL(18, 4)) AS price, try_cast(n AS BIGINT) AS quantity,
       CASE WHEN sku = 'GIFT' THEN 'gift' END AS _excluded, _row
FROM {raw}
"""
HEADER = b"order,at,sku,name,price,n\n"
GOOD = HEADER + (
    b'1,2026-02-01 00:00:00,A,"Lamp, ""big""\nand red",2.50,2\n'
    b"1,2026-02-01 00:00:00,B,Mug,1.25,1\n"
    b"1,2026-02-01 00:00:00,B,Mug,1.25,1\n"
    b"2,2026-02-01 23:59:59,A,Lamp,2.50,1\n"
)


@pytest.fixture(scope="module")
def source(postgres, spark, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("sources") / "till"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML)
    (folder / "staging.sql").write_text(SQL)
    return str(folder)


def run(run_id: str, source: str, body: bytes, rows: int, day: str = DAY) -> tuple[int, dict]:
    batch_runs.land_lines("demo", "till", day, "till.csv", body, rows, run_id)
    return batch_runs.run(run_id, "demo", source, day)


def test_a_source_of_ones_own_needs_no_python(source):
    assert run("till-1", source, GOOD, 4)[0] == 0
    day = batch_runs.day_of("demo", DAY)
    assert (day["orders"], day["units"], day["gross_revenue"], day["customers"]) == (2, 5, Decimal("10.00"), None)
    lines = batch_runs.rows(
        "SELECT product_id, item_index, count(*) OVER (PARTITION BY event_id) n FROM warehouse.fct_order_line WHERE run_id = 'till-1' ORDER BY 3 DESC, 2"
    )
    assert [tuple(line.values()) for line in lines] == [("A", 0, 3), ("B", 1, 3), ("B", 2, 3), ("A", 0, 1)]
    assert batch_runs.rows("SELECT product_name FROM warehouse.mart_daily_product WHERE run_id = 'till-1' AND product_id = 'A'")[0] == {
        "product_name": "Lamp"
    }


def test_later_runs_find_the_folder_of_a_source_of_ones_own(source):
    day = batch_runs.days_of(DAY, DAY)[0]
    assert [run.source for run in etl.plan("demo", day, day)] == [source]
    with pytest.raises(ingest.IngestError, match="name its folder by path"):
        ingest.source_folder("till")  # its name alone is found nowhere


def test_every_row_is_good_held_back_or_excluded_by_name(source):
    bad = b"3,2026-02-02 10:00:00,A,Lamp,cheap,1\n4,tomorrow,A,Lamp,1.00,1\n5,2026-02-02 10:00:00,A\n6,2026-02-02 10:00:00,A,Lamp,1.00,0\n"
    left_out = b"7,2026-02-02 10:00:00,GIFT,,0,1\n8,2026-02-03 10:00:00,A,Lamp,1.00,1\n"
    good = b"".join(b"%d,2026-02-02 11:00:00,A,Lamp,1.00,1\n" % n for n in range(10, 20))
    code, last = run("till-2", source, HEADER + bad + left_out + good, 16, NEXT)
    assert (code, last["rows_good"], last["rows_quarantined"], last["rows_excluded"]) == (0, 10, 4, 2)
    held = batch_runs.rows("SELECT line, reason, date::text FROM warehouse.quarantine WHERE run_id = 'till-2' ORDER BY line")
    assert [tuple(row.values()) for row in held] == [
        (2, "bad_money: price", NEXT),
        (3, "bad_time: event_time", NEXT),
        (4, "not_csv: not 6 values", NEXT),
        (5, "bad_type: quantity below 1", NEXT),
    ]
    found = batch_runs.findings("till-2")
    assert {name: found[name][0]["value"] for name in ("excluded:gift", "excluded:outside_range")} == {
        "excluded:gift": 1,
        "excluded:outside_range": 1,
    }
    assert found["run.rows_in_range"][0]["passed"] is False


def test_a_blocked_run_leaves_the_published_day(source):
    assert run("till-3", source, GOOD, 4)[0] == 0
    before = batch_runs.day_of("demo", DAY)
    code, last = run("till-4", source, HEADER + b"9,2026-02-01 10:00:00,A,Lamp,9.00,1\n", 2)
    assert (code, last["status"]) == (3, "blocked")
    assert "run.rows_in_is_the_ingest_count" in last["message"]
    assert batch_runs.day_of("demo", DAY) == before
    assert batch_runs.newest("demo", DAY)["run_id"] == "till-3"
    assert batch_runs.rows("SELECT status FROM warehouse.etl_run WHERE run_id = 'till-4'") == [{"status": "blocked"}]
    assert batch_runs.rows("SELECT count(*) n FROM pg_tables WHERE schemaname = 'staging'") == [{"n": 0}]


def test_a_file_with_only_its_header_does_not_empty_a_published_day(source, tmp_path, monkeypatch):
    day = "2026-02-05"
    assert run("till-8", source, GOOD.replace(b"2026-02-01", b"2026-02-05"), 4, day)[0] == 0
    before = batch_runs.day_of("demo", day)
    code, last = run("till-9", source, HEADER, 0, day)
    assert (code, last["status"]) == (3, "blocked")
    assert f"run.no_day_emptied on {day}: 2 (events are published and the run accepts none" in last["message"]
    assert batch_runs.day_of("demo", day) == before

    shops = settings().shops_file.read_text(encoding="utf-8")
    (tmp_path / "shops.toml").write_text(shops.replace("[demo]\n", f"[demo]\nempty_days = [{day}]\n"), encoding="utf-8")
    monkeypatch.setenv("ECOMMERCE_SHOPS_FILE", str(tmp_path / "shops.toml"))
    assert run("till-10", source, HEADER, 0, day)[0] == 0
    assert batch_runs.day_of("demo", day) == {}
    assert batch_runs.newest("demo", day)["changed"]["orders"] == [2, None]


def test_a_header_that_is_not_the_source_s_names_file_and_column(source):
    code, last = run("till-5", source, b"order,at,sku,title,price,n\n1,2,3,4,5,6\n", 1)
    assert (code, last["status"]) == (3, "blocked")
    assert "schema.no_column_dropped: 1 (till.csv: name)" in last["message"]
    added = batch_runs.findings("till-5")["schema.no_column_added"][0]
    assert (added["passed"], added["severity"], added["detail"]) == (False, "warning", "till.csv: title")


def test_a_staging_query_that_fails_is_a_failed_run(source, tmp_path):
    folder = tmp_path / "till"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML)
    (folder / "staging.sql").write_text(SQL.replace("sku AS item_id", "skew AS item_id"))
    code, last = run("till-6", str(folder), GOOD, 4)
    assert (code, last["status"]) == (1, "failed")
    assert "skew" in last["message"]
    assert batch_runs.rows("SELECT status FROM warehouse.etl_run WHERE run_id = 'till-6'") == [{"status": "failed"}]


def test_days_without_input_are_no_failure(source):
    code, last = batch_runs.run("till-7", "demo", source, "2025-01-01", "2025-01-03")
    assert (code, last["status"], last["days"], last["rows_in"]) == (0, "published", 0, 0)
