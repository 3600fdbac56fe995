"""CSV downloads, sent while they are read: exact values, and no cell that a spreadsheet runs as a formula."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from analytics.formats import inert, slash_free

ROWS_A_PIECE = 500
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
Row = Sequence[Any]


class _Line:
    """A file whose write hands the line back."""

    def write(self, line: str) -> str:
        return line


def cell(value: Any) -> str:
    """``value`` as a cell: '' for None, numbers exact, and text without control characters, behind an apostrophe where it begins like a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = inert(value)
    return f"'{text}" if text.lstrip(" \ufffd").startswith(FORMULA) else text


def download(name: str, header: Sequence[str], rows: Iterator[Row]) -> StreamingHttpResponse:
    """A download called ``name``.csv of ``header`` and ``rows``; rows are read as they are sent."""
    line = csv.writer(_Line()).writerow
    return streamed(
        f"{slash_free(name)}.csv", "text/csv; charset=utf-8", rows, lambda row: line([cell(value) for value in row]), line(header)
    )


def streamed(
    name: str, content_type: str, rows: Iterator[Row], write: Callable[[Row], str], head: str, tail: str = ""
) -> StreamingHttpResponse:
    """A download called ``name``: ``head``, each row as ``write`` gives it, ``tail``."""
    response = StreamingHttpResponse(_pieces(rows, write, head, tail), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _pieces(rows: Iterator[Row], write: Callable[[Row], str], head: str, tail: str) -> AsyncIterator[str]:
    yield head
    take = sync_to_async(lambda: [write(row) for row in islice(rows, ROWS_A_PIECE)])
    try:
        while piece := await take():
            yield "".join(piece)
        yield tail
    finally:
        if close := getattr(rows, "close", None):
            await sync_to_async(close)()
