"""Erasure of people in files: whatever a source makes of its ids, nothing is left, sums stay, and the files may come again."""

from dataclasses import replace
from pathlib import Path

import batch_runs
import pyarrow.parquet as pq
import pytest

from ecommerce import erasure
from ecommerce.config import settings
from ecommerce.local import servers

pytestmark = pytest.mark.servers
SHOP = "leaver"
UCI_DAY, REES46_DAY, OWN_DAY = "2020-02-10", "2020-02-11", "2026-02-12"
UCI = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
990101,22423,CAKESTAND,2,2020-02-10 09:00:00,12.75,99001.0,France
990101,85123A,HEART HOLDER,6,2020-02-10 09:00:00,2.55,99001.0,France
C990102,22423,CAKESTAND,-1,2020-02-10 10:00:00,12.75,99001.0,France
990103,22423,CAKESTAND,1,2020-02-10 11:00:00,free,99001.0,France
990104,22423,CAKESTAND,3,2020-02-10 12:00:00,12.75,99002.0,Germany
990105,22423,CAKESTAND,1,2020-02-10 13:00:00,12.75,,Germany
990106,22423,CAKESTAND,1,2020-02-10 14:00:00,12.75,99001.0
"""
REES46 = """event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2020-02-11 09:00:00 UTC,view,100,7,shoes,acme,35.79,999000111,11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa
2020-02-11 09:01:00 UTC,purchase,100,7,shoes,acme,35.79,999000111,11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa
2020-02-11 09:02:00 UTC,purchase,101,7,shoes,acme,20.00,999000222,22222222-aaaa-4aaa-8aaa-aaaaaaaaaaaa
2020-02-11 09:03:00 UTC,purchase,101,7,shoes,acme,free,999000111,11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa
2020-02-11 09:04:00 UTC,purchase,101,7,shoes,acme,20.00,999000111
"""
TILL = "receipt,at,article,pieces,price,card\n880101,2026-02-12T09:00:00Z,mug,2,7.90,card:99001\n880102,2026-02-12T10:00:00Z,mug,1,7.90,card:99002\n"
TILL_TOML = """
[files]
glob = "*.csv"
date_from = "column"
[read]
format = "csv"
header = true
event_ids = "content"
[columns]
receipt = "STRING"
at = "STRING"
article = "STRING"
pieces = "STRING"
price = "STRING"
card = "STRING"
"""
TILL_SQL = """
SELECT 'purchase' AS event_name, at AS event_time, :currency AS currency, receipt AS transaction_id, article AS item_id, price,
       pieces AS quantity, replace(card, 'card:', '') AS user_id, _row
FROM {raw}
"""
TEXTS = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'warehouse' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'jsonb')"""


@pytest.fixture(scope="module")
def config(postgres, spark, tmp_path_factory):
    """The suite's lake and warehouse, with an empty Redis."""
    folder = tmp_path_factory.mktemp("leaver")
    (folder / "var").mkdir()
    own = servers.isolated_settings(folder, secrets_dir=settings().secrets_dir)
    with servers.running(own, "redis"):
        yield replace(settings(), redis_port=own.redis_port)


def traces(id: str) -> list[str]:
    """Where ``id`` stands alone in a text of the warehouse or in a file of the shop's lake."""
    found = []
    for row in batch_runs.rows(TEXTS):
        table, column = row.values()
        found += [f"{table}.{column}"] * bool(
            batch_runs.rows(f"SELECT 1 AS x FROM warehouse.{table} WHERE {column}::text ~ %s LIMIT 1", rf"\m{id}\M")
        )
    for path in sorted(settings().lake_dir.rglob(f"shop={SHOP}/**/*")):
        if path.suffix == ".parquet":
            texts = [text for column in pq.read_table(path).columns if str(column.type) == "string" for text in column.to_pylist()]
            found += [path.parts[-5]] * any(id in (text or "") for text in texts)
        elif path.is_file():
            found += [str(path)] * (id.encode() in path.read_bytes())
    return found


def load(run_id: str, source: str, day: str, body: str, folder: Path) -> dict:
    """Land ``body`` and run the day; its figures."""
    folder.mkdir(exist_ok=True)
    (folder / f"{day}.csv").write_text(body)
    batch_runs.land(SHOP, source, folder, day, day, run_id)
    return again(run_id, source, day)


def again(run_id: str, source: str, day: str) -> dict:
    assert batch_runs.run(run_id, SHOP, source, day)[0] == 0
    return batch_runs.newest(SHOP, day)["measures"]


def held_back(source: str) -> list[dict]:
    """Where rows are held back and why; the details go with the person."""
    query = (
        "SELECT file, line, split_part(reason, ':', 1) AS reason FROM warehouse.quarantine WHERE shop_id = %s AND source = %s ORDER BY 1, 2"
    )
    return batch_runs.rows(query, SHOP, source)


@pytest.mark.parametrize(
    ("source", "day", "body", "id", "also"),
    [
        ("uci_online_retail", UCI_DAY, UCI, "99001", ["990101", "990103"]),
        ("rees46", REES46_DAY, REES46, "999000111", ["11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa"]),
    ],
    ids=["ids within a column's text", "one column is customer and visitor"],
)
def test_nothing_is_left_sums_stay_and_the_files_may_come_again(config, tmp_path, source, day, body, id, also):
    before = load(f"{source}-leaver-1", source, day, body, tmp_path / "in")
    assert before["customers"] == 2
    assert {"fct_order.customer_id", "quarantine.raw"} <= set(traces(id))
    rows_held_back = held_back(source)
    assert len(rows_held_back) == 2, "a price and a line that lacks a value"

    (proof,) = erasure.erase(config, id, SHOP, print)
    assert proof.complete, proof
    assert [place for one in [id, *also] for place in traces(one)] == []

    expected = before | {"customers": 1}
    assert again(f"{source}-leaver-2", source, day) == expected
    assert held_back(source) == rows_held_back
    assert load(f"{source}-leaver-3", source, day, body, tmp_path / "in") == expected
    assert held_back(source) == rows_held_back
    assert [place for one in [id, *also] for place in traces(one)] == []


def own_source(folder: Path, privacy: str) -> str:
    folder.mkdir()
    (folder / "source.toml").write_text(TILL_TOML + privacy)
    (folder / "staging.sql").write_text(TILL_SQL)
    return str(folder)


def test_ids_of_ones_own_source_are_found_by_its_privacy(config, tmp_path):
    source = own_source(tmp_path / "till_known", "[privacy]\nuser_id = { column = 'card', pattern = 'card:(.*)' }\n")
    before = load("till-leaver-1", source, OWN_DAY, TILL, tmp_path / "in")
    (proof,) = erasure.erase(config, "99001", SHOP, print)
    assert proof.complete, proof
    assert traces("99001") == []
    assert again("till-leaver-2", source, OWN_DAY) == before | {"customers": 1}


def test_a_source_without_privacy_keeps_its_file_which_is_named_and_brings_nobody_back(config, tmp_path):
    source = own_source(tmp_path / "till_unknown", "")
    body = TILL.replace("99001", "99003")
    before = load("till-leaver-3", source, OWN_DAY, body, tmp_path / "in")
    (proof,) = erasure.erase(config, "99003", SHOP, print)
    assert not proof.complete
    assert [path.rpartition("/")[2] for path in proof.not_searched] == [f"{OWN_DAY}.csv"]
    assert again("till-leaver-4", source, OWN_DAY) == before | {"customers": 1}
    assert all("landing" in place for place in traces("99003"))
