"""Runs on executors: the lines of blocks of raw files, each with its exact number. Sent by value; imports are local."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

SCHEMA = "_number INT, _file STRING, _line BIGINT, _raw STRING, _damage STRING, _from DATE, _to DATE"
BATCH_LINES = 20_000


def reader(encoding: str, multiline: bool, header: bool, separator: str) -> Any:
    """A function for mapInArrow: rows of blocks (see inputs.Block) to rows of ``SCHEMA``.

    Blank lines are no rows; text that is not ``encoding`` is given with its damage named.
    """

    def read(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            for block in batch.to_pylist():
                rows = records(block) if multiline else lines(block)
                yield from chunks(block, rows)

    def lines(block: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
        with open(block["path"], "rb") as stream:
            stream.seek(block["start"])
            body = stream.read(block["end"] - block["start"])
        for number, line in enumerate(body.split(b"\n"), start=block["first_line"]):
            if line.strip() and not (header and number == 1):
                yield number, line.removesuffix(b"\r")

    def records(block: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
        """Records of a file whose quoted values hold line breaks; a record has the number of its first line."""
        with open(block["path"], "rb") as stream:
            pending, first, quotes = b"", 1, 0
            for number, line in enumerate(stream, start=1):
                first = first if pending else number
                pending, quotes = pending + line, quotes + line.count(b'"')
                if quotes % 2:
                    continue
                if pending.strip() and not (header and first == 1):
                    yield first, pending.rstrip(b"\r\n")
                pending, quotes = b"", 0
            if pending.strip():
                yield first, pending.rstrip(b"\r\n")

    def chunks(block: dict[str, Any], rows: Iterator[tuple[int, bytes]]) -> Iterator[Any]:
        from itertools import islice

        while chunk := list(islice(rows, BATCH_LINES)):
            yield rows_of(block, chunk)

    def rows_of(block: dict[str, Any], chunk: list[tuple[int, bytes]]) -> Any:
        import pyarrow as pa

        texts, damages = zip(*(text_of(raw) for _, raw in chunk), strict=True)
        size = len(chunk)
        columns = [
            pa.array([block["number"]] * size, pa.int32()),
            pa.array([block["file"]] * size, pa.string()),
            pa.array([number for number, _ in chunk], pa.int64()),
            pa.array(texts, pa.string()),
            pa.array(damages, pa.string()),
            pa.array([block["from_date"]] * size, pa.date32()),
            pa.array([block["to_date"]] * size, pa.date32()),
        ]
        return pa.RecordBatch.from_arrays(columns, ["_number", "_file", "_line", "_raw", "_damage", "_from", "_to"])

    def text_of(raw: bytes) -> tuple[str, str | None]:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            return raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00"), f"bad_encoding: not {encoding}"
        if "\x00" in text:
            return text.replace("\x00", "\\x00"), "bad_encoding: NUL character"
        return text, None

    return read
