"""How commands print what they found."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print ``rows`` under ``columns``; not cut to the width of what is no terminal."""
    found = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        found.add_row(*map(text, row))
    Console(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False).print(found)


def text(value: Any) -> str:
    """A cell: nothing as –, times to the second in UTC."""
    if value is None:
        return "–"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def as_json(value: Any) -> str:
    """``value`` as indented JSON; numerics as strings, times in RFC 3339."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain)).decode()


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
