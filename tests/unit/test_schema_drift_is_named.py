"""Files that are not as their source declares are told by file and column: headers, keys of JSON, schemas of Parquet."""

import json
from datetime import date

import drift
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inputs import Block
from sources import Source

from ecommerce import archive

DAY = date(2026, 1, 1)
COLUMNS = {"id": "STRING", "n": "BIGINT", "note": "STRING", "items": "ARRAY<STRUCT<sku STRING, price DECIMAL(18,4), size INT>>"}
ROW = {"id": "1", "n": 1, "items": [{"sku": "a", "price": 2.5}]}


def source(**changes) -> Source:
    given = {"name": "shop", "staging_sql": "SELECT * FROM {raw}", "format": "csv", "event_ids": "content"}
    return Source(**{**given, "columns": {"a": "STRING", "b": "STRING"}, **changes})


def block(file: str, path: str = "", header: tuple[str, ...] = ()) -> Block:
    return Block(0, path, file, 0, 1, 1, DAY, DAY, header)


def told(found: drift.Drift) -> dict[str, list[str]]:
    return {kind: names for kind, names in found.items() if names}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (("a", "b"), {}),
        (("b", "a"), {}),
        (("a",), {"dropped": ["day.csv: b"]}),
        (("a", "b", "c"), {"added": ["day.csv: c"]}),
        (("a", "b", "b"), {"repeated": ["day.csv: b"]}),
    ],
)
def test_headers(header, expected):
    assert told(drift.of_headers(source(), [block("day.csv", header=header)])) == expected


def test_a_column_that_files_may_lack_is_not_missed():
    assert told(drift.of_headers(source(optional=("b",)), [block("day.csv", header=("a",))])) == {}


@pytest.fixture
def keys(tmp_path):
    """A function: JSON rows to what drifts in the file that holds them."""

    def find(*rows: dict) -> dict[str, list[str]]:
        path = tmp_path / "day.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        of = source(format="json", columns=COLUMNS, optional=("note", "items.size"))
        return told(drift.of_keys(of, [block("day.jsonl", str(path))]))

    return find


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, {}),
        ({**ROW, "id": 7, "note": None}, {}),
        ({**ROW, "colour": "red"}, {"added": ["day.jsonl: colour"]}),
        ({"id": "1", "items": ROW["items"]}, {"dropped": ["day.jsonl: n"]}),
        ({**ROW, "n": "1"}, {"retyped": ["day.jsonl: n"]}),
        ({**ROW, "n": True}, {"retyped": ["day.jsonl: n"]}),
        ({**ROW, "items": {"sku": "a", "price": 1}}, {"retyped": ["day.jsonl: items"]}),
        ({**ROW, "items": [{"sku": "a"}]}, {"dropped": ["day.jsonl: items.price"]}),
        (
            {**ROW, "items": [{"sku": "a", "price": "2.5", "tint": 1}]},
            {"added": ["day.jsonl: items.tint"], "retyped": ["day.jsonl: items.price"]},
        ),
        ({**ROW, "items": []}, {}),
    ],
)
def test_keys(keys, row, expected):
    assert keys(row, row) == expected


def test_one_row_with_the_column_is_enough_and_one_bad_value_is_a_row_s_matter(keys):
    without = {"id": "1", "items": ROW["items"]}
    assert keys(*[without] * 500, ROW, {**ROW, "n": "x"}, without) == {}


def test_of_many_long_files_a_part_is_looked_at_and_what_seems_missing_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(drift, "BYTES_A_RUN", 0)
    monkeypatch.setattr(drift, "BYTES_A_FILE", 2_000)
    path = tmp_path / "day.jsonl"
    without = {"id": "1", "items": ROW["items"]}
    path.write_text("".join(json.dumps(row) + "\n" for row in [without] * 301 + [ROW]))
    of = source(format="json", columns=COLUMNS, optional=("note", "items.size"))
    assert told(drift.of_keys(of, [block(f"{n}.jsonl", str(path)) for n in range(2)])) == {}


def test_schemas(tmp_path):
    fields = {field.name: field for field in archive.SCHEMA}

    def find(schema: pa.Schema) -> dict[str, list[str]]:
        pq.write_table(schema.empty_table(), tmp_path / "part.parquet")
        return told(drift.of_schemas([tmp_path / "part.parquet"]))

    assert find(archive.SCHEMA) == {}
    assert find(archive.SCHEMA.append(pa.field("extra", pa.string()))) == {"added": ["part.parquet: extra"]}
    assert find(pa.schema([field for name, field in fields.items() if name != "country"])) == {"dropped": ["part.parquet: country"]}
    changed = fields | {"quantity": pa.field("quantity", pa.string())}
    assert find(pa.schema(list(changed.values()))) == {"retyped": ["part.parquet: quantity (string, declared int64)"]}
