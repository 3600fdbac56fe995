"""CSV downloads, sent while they are read: exact values, and no cell that a spreadsheet runs as a formula."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Generator, Sequence
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from analytics.formats import slash_free

ROWS_A_PIECE = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """A file whose write hands the line back."""

    def write(self, line: str) -> str:
        return line


def cell(value: Any) -> str:
    """``value`` as a cell: '' for None, numbers exact, and text that begins like a formula behind an apostrophe."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    return f"'{value}" if value.startswith(FORMULA) else value


def download(name: str, header: Sequence[str], rows: Generator[Sequence[Any], None, None]) -> StreamingHttpResponse:
    """A download called ``name``.csv of ``header`` and ``rows``; rows are read as they are sent."""
    response = StreamingHttpResponse(_pieces(header, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{slash_free(name)}.csv"'
    return response


async def _pieces(header: Sequence[str], rows: Generator[Sequence[Any], None, None]) -> AsyncIterator[str]:
    line = csv.writer(_Line()).writerow
    yield line(header)
    take = sync_to_async(lambda: [line([cell(value) for value in row]) for row in islice(rows, ROWS_A_PIECE)])
    try:
        while piece := await take():
            yield "".join(piece)
    finally:
        await sync_to_async(rows.close)()
