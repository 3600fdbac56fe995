"""JSON downloads, sent while they are read: a list of objects, amounts and rates as exact decimal strings, days as ISO 8601."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse

from analytics.csv_stream import Row, streamed
from analytics.formats import slash_free


def plain(value: Any) -> Any:
    """``value`` as JSON holds it: decimals as strings, days and instants as ISO 8601."""
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def download(name: str, header: Sequence[str], rows: Iterator[Row]) -> StreamingHttpResponse:
    """A download called ``name``.json: one object a row, keyed by ``header``."""
    commas = iter([""])

    def write(row: Row) -> str:
        record = {key: plain(value) for key, value in zip(header, row, strict=True)}
        return next(commas, ",\n") + json.dumps(record, ensure_ascii=True)

    return streamed(f"{slash_free(name)}.json", "application/json", rows, write, "[\n", "\n]\n")
