"""Raw files become lines with their exact place and text."""

from datetime import date

import pyarrow as pa
import pytest
from inputs import Partition, blocks
from lines import reader
from sources import Source

from ecommerce import lake

BLOCK = ["number", "path", "file", "start", "end", "first_line", "from_date", "to_date"]


def source(**changes) -> Source:
    given = {"name": "shop", "staging_sql": "SELECT * FROM {raw}", "format": "csv", "event_ids": "content"}
    return Source(**{**given, "columns": {"a": "STRING", "b": "STRING"}, **changes})


@pytest.fixture
def landed(tmp_path, monkeypatch):
    """A function: bytes to the blocks of the one file that holds them."""

    def land(body: bytes, of: Source, size: int = 1 << 20):
        path = tmp_path / "run" / "day.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
        manifest = lake.Manifest("run", "", [lake.describe(tmp_path, path, 0)], {})
        lake.publish(tmp_path, manifest)
        return blocks(of, [Partition(tmp_path, date(2026, 1, 1), date(2026, 1, 1), manifest)], size)

    return land


def read(found, of: Source) -> list[tuple[int, str, str | None]]:
    batch = pa.RecordBatch.from_pylist([{name: getattr(block, name) for name in BLOCK} for block in found])
    batches = reader(of.encoding, of.multiline, of.header, of.separator)([batch])
    return [(row["_line"], row["_raw"], row["_damage"]) for got in batches for row in got.to_pylist()]


def test_lines_keep_their_number_text_and_lose_their_line_end(landed):
    of = source()
    assert read(landed(b"a,b\r\n1,\xc2\xa3\r\n\r\n2,y", of), of) == [(2, "1,£", None), (4, "2,y", None)]


def test_blocks_of_any_size_give_the_same_lines(landed):
    of = source()
    body = b"a,b\n" + b"".join(b"%d,%s\n" % (n, b"x" * (n % 7)) for n in range(200))
    whole = read(landed(body, of), of)
    assert [line for line, _, _ in whole] == list(range(2, 202))
    for size in (1, 5, 64, 999):
        cut = landed(body, of, size)
        assert read(cut, of) == whole
        assert len({block.number for block in cut}) == len(cut)


def test_text_of_another_encoding_is_named_and_kept_readable(landed):
    of = source()
    found = read(landed(b"a,b\n1,\xa3\n2,\x00\n", of), of)
    assert found == [(2, "1,\\xa3", "bad_encoding: not utf-8"), (3, "2,\\x00", "bad_encoding: NUL character")]


def test_quoted_line_breaks_are_one_record_with_its_first_line(landed):
    of = source(multiline=True)
    assert read(landed(b'a,b\n1,"x\ny"\n2,z\n', of), of) == [(2, '1,"x\ny"', None), (4, "2,z", None)]
