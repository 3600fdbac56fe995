"""Shapes of files that a user's staging.sql must cope with alone: each loads by a folder of two files."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import batch_runs
import pytest

from ecommerce import etl

pytestmark = pytest.mark.servers
DAY = "2026-02-10"
CLICKS_TOML = r"""
[files]
glob = "*.tsv"
date_from = "column"
[read]
format = "csv"
header = false
separator = "\t"
event_ids = "content"
[columns]
at = "STRING"
visitor = "STRING"
what = "STRING"
item = "STRING"
sale = "STRING"
"""
CLICKS_SQL = """
SELECT CASE what WHEN 'view' THEN 'view_item' WHEN 'addtocart' THEN 'add_to_cart' WHEN 'transaction' THEN 'purchase' END AS event_name,
       timestamp_millis(try_cast(at AS BIGINT)) AS event_time, :currency AS currency, visitor AS client_id, nullif(sale, '') AS transaction_id,
       item AS item_id, _row
FROM {raw}
"""
MILLIS = 1770717600000  # 2026-02-10 10:00:00 UTC
CLICKS = (
    f"{MILLIS}\tv1\tview\tp1\t\n{MILLIS + 1000}\tv1\taddtocart\tp1\t\n{MILLIS + 2000}\tv1\ttransaction\tp1\t77\n"
    f"{MILLIS + 2000}\tv1\ttransaction\tp2\t77\n{MILLIS}\tv2\tview\tp2\t\nsoon\tv3\tview\tp3\t\n{MILLIS + 86400000}\tv4\tview\tp1\t\n"
)
TILL_TOML = """
[files]
glob = "*.csv"
date_from = "path"
date_pattern = '(\\d{4}-\\d{2}-\\d{2})'
[read]
format = "csv"
separator = ";"
event_ids = "content"
[columns]
receipt = "STRING"
sold_at = "STRING"
article = "STRING"
pieces = "STRING"
unit_price = "STRING"
"""
TILL_SQL = """
SELECT 'purchase' AS event_name, try_to_timestamp(concat(sold_at, ' ', :time_zone), 'yyyy-MM-dd HH:mm:ss VV') AS event_time,
       :currency AS currency, receipt AS transaction_id, article AS item_id, unit_price AS price, pieces AS quantity, _row
FROM {raw}
"""


def source(folder: Path, name: str, toml: str, sql: str) -> str:
    (folder / name).mkdir()
    (folder / name / "source.toml").write_text(toml)
    (folder / name / "staging.sql").write_text(sql)
    return str(folder / name)


def run(run_id: str, of: str, folder: Path, last: str = DAY) -> tuple[int, dict]:
    batch_runs.land("demo", of, folder, DAY, last, run_id)
    return batch_runs.run(run_id, "demo", of, DAY, last)


def test_no_header_tabs_epoch_times_gzipped_without_sessions_customers_or_money(postgres, spark, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clicks.tsv.gz").write_bytes(gzip.compress(CLICKS.encode()))
    of = source(tmp_path, "clicks", CLICKS_TOML, CLICKS_SQL)
    code, last = run("clicks-1", of, tmp_path / "in")
    assert (code, last["rows_in"], last["rows_good"], last["rows_quarantined"], last["rows_excluded"]) == (0, 7, 5, 1, 1)
    day = batch_runs.day_of("demo", DAY)
    assert [day[name] for name in ("orders", "units", "visitors", "sessions", "customers", "gross_revenue", "net_revenue")] == [
        *(1, 2, 2),
        *[None] * 4,
    ]
    held = batch_runs.rows("SELECT file, line, reason, raw FROM warehouse.quarantine WHERE run_id = 'clicks-1'")
    assert [tuple(row.values()) for row in held] == [("clicks.tsv", 6, "bad_time: event_time", "soon\tv3\tview\tp3\t")]
    assert batch_runs.newest("demo", DAY)["measures"]["gross_revenue"] is None


def test_files_of_several_days_are_read_again_for_all_of_them(postgres, spark, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clicks.tsv").write_text(CLICKS)
    of, last = source(tmp_path, "clicks_of_days", CLICKS_TOML, CLICKS_SQL), "2026-02-12"  # a day without rows
    assert run("together-1", of, tmp_path / "in", last)[0] == 0
    first, second, third = batch_runs.days_of(DAY, last)
    assert [(run.source, run.from_date, run.to_date) for run in etl.plan("demo", first, third)] == [(of, DAY, last)]
    with pytest.raises(etl.EtlError, match=f"--source {of} --from {DAY} --to {last}"):
        etl.plan("demo", second, second)


def test_columns_are_taken_by_name_and_a_new_one_is_reported(postgres, spark, tmp_path):
    (tmp_path / f"{DAY}-a.csv").write_text(f"receipt;sold_at;article;pieces;unit_price\n1;{DAY} 09:12:00;mug;2;7.90\n")
    (tmp_path / f"{DAY}-b.csv").write_text(f"unit_price;till;pieces;article;sold_at;receipt\n1.50;T2;3;pen;{DAY} 10:00:00;2\n")
    (tmp_path / f"{DAY}-c.csv").write_text(f"receipt;sold_at;article;pieces;unit_price\n3;{DAY} 09:12:00;mug;1;7.90123\n")
    of = source(tmp_path, "till_by_name", TILL_TOML, TILL_SQL)
    code, last = run("by-name-1", of, tmp_path)
    assert (code, last["rows_good"], last["rows_quarantined"]) == (0, 2, 1)
    lines = batch_runs.rows(
        "SELECT transaction_id, product_id, quantity, price FROM warehouse.fct_order_line WHERE run_id = 'by-name-1' ORDER BY 1"
    )
    assert [tuple(row.values()) for row in lines] == [("1", "mug", 2, Decimal("7.9")), ("2", "pen", 3, Decimal("1.5"))]
    added = batch_runs.findings("by-name-1")["schema.no_column_added"][0]
    assert (added["passed"], added["severity"], added["detail"]) == (False, "warning", f"{DAY}-b.csv: till")
    held = batch_runs.rows("SELECT file, line, reason FROM warehouse.quarantine WHERE run_id = 'by-name-1'")
    assert [tuple(row.values()) for row in held] == [(f"{DAY}-c.csv", 2, "bad_money: price")], "money is not rounded"


def test_a_column_of_another_type_stops_the_run_by_its_name(postgres, spark, tmp_path):
    (tmp_path / f"{DAY}.csv").write_text("receipt;sold_at;article;pieces;unit_price\n" + f"1;{DAY} 09:12:00;mug;2;7,90 EUR\n" * 3)
    code, last = run("retyped-1", source(tmp_path, "retyped", TILL_TOML, TILL_SQL), tmp_path)
    assert (code, last["status"]) == (3, "blocked")
    assert "schema.no_column_retyped" in last["message"]
    assert "bad_money: price in 3 of 3 rows" in last["message"]


JSON_TOML = r"""
[files]
glob = "*.jsonl"
date_from = "path"
date_pattern = '(\d{4}-\d{2}-\d{2})'
[read]
format = "json"
event_ids = "content"
optional = ["note"]
[columns]
receipt = "STRING"
sold_at = "STRING"
article = "STRING"
pieces = "BIGINT"
unit_price = "STRING"
note = "STRING"
"""
SALE = {"receipt": "1", "sold_at": f"{DAY} 09:12:00", "article": "mug", "pieces": 2, "unit_price": "7.90"}


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ({name: value for name, value in SALE.items() if name != "article"}, 3, "schema.no_column_dropped: 1 (2026-02-10.jsonl: article)"),
        ({**SALE, "pieces": "2"}, 3, "schema.no_column_retyped: 1 (2026-02-10.jsonl: pieces)"),
        ({**SALE, "till": 4}, 0, ""),
    ],
    ids=["dropped", "retyped", "added"],
)
def test_keys_of_json_that_drift_are_named(postgres, spark, tmp_path, row, code, words):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{DAY}.jsonl").write_text(json.dumps(row) + "\n")
    run_id = f"json-{code}-{len(words)}"
    found, last = run(run_id, source(tmp_path, "till_json", JSON_TOML, TILL_SQL), tmp_path / "in")
    assert (found, words in last["message"]) == (code, True)
    added = batch_runs.findings(run_id)["schema.no_column_added"][0]
    assert added["detail"] == ("" if code else f"{DAY}.jsonl: till")
