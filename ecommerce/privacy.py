"""Raw files without erased people: which columns of a source hold ids ([privacy] in source.toml), and their rows rewritten."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ecommerce.suppression import Suppression

CUSTOMER, CLIENT, EVENT = "user_id", "client_id", "event_id"
FIELDS = (CUSTOMER, CLIENT, "session_id", "transaction_id", EVENT)

Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def columns(source: dict[str, Any]) -> dict[str, str]:
    """Field of the event contract to the raw column that holds it, from a parsed source.toml; empty where it says nothing."""
    return {field: column for field, column in source.get("privacy", {}).items() if field in FIELDS}


def anonymous(source: dict[str, Any], shop_id: str, suppression: Suppression) -> Change:
    """A function from a raw row (column to value) to what takes its place; None where it is nobody's who was erased."""
    known = columns(source)

    def change(row: dict[str, Any]) -> dict[str, Any] | None:
        values = {field: row.get(column) for field, column in known.items()}
        if not suppression.concerns(shop_id, _text(values.get(CUSTOMER)), _text(values.get(CLIENT))):
            return None
        return {known[field]: _stand_in(suppression, shop_id, field, value) for field, value in values.items() if value not in (None, "")}

    return change


def _stand_in(suppression: Suppression, shop_id: str, field: str, value: Any) -> Any:
    if field == CUSTOMER:
        return None
    return suppression.event_id(shop_id, str(value)) if field == EVENT else suppression.token(shop_id, field, str(value))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def rewrite(path: Path, target: Path, source: dict[str, Any], change: Change) -> int:
    """Write ``path`` with the rows that ``change`` changes to ``target``; returns how many; nothing is written for none."""
    changed, parts = 0, []
    with path.open("rb") as stream:
        for raw, row, write in rows(stream, source):
            new = change(row) if row is not None else None
            parts.append(write({**row, **new}) if new is not None and row is not None else raw)
            changed += new is not None
    if changed:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(parts))
    return changed


def rows(stream: Any, source: dict[str, Any]) -> Iterator[tuple[bytes, dict[str, Any] | None, Callable[[dict[str, Any]], bytes]]]:
    """Each raw row: its bytes, its values by column (None: a header, or not readable), and how to write it again."""
    read = source["read"]
    encoding, separator = read.get("encoding", "utf-8"), read.get("separator", ",")
    names = list(source.get("columns", {}))
    for number, raw in numbered(stream, bool(read.get("multiline"))):
        body = raw.rstrip(b"\r\n")
        end = raw[len(body) :]
        if read["format"] == "json":
            yield raw, _object(body), lambda row, end=end: json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + end
            continue
        values = next(csv.reader(io.StringIO(body.decode(encoding, "replace"), newline=""), delimiter=separator), [])
        if number == 1 and read.get("header", True):
            names = [name.strip().removeprefix("\ufeff") for name in values]
            values = []
        row = dict(zip(names, values, strict=True)) if len(values) == len(names) else None
        yield raw, row, lambda row, end=end: _csv(row, separator).encode(encoding) + end


def numbered(stream: Any, multiline: bool) -> Iterator[tuple[int, bytes]]:
    """Each line, or each record whose quotes may hold line breaks, with the number of its first line from 1."""
    pending, first, quotes = b"", 1, 0
    for number, line in enumerate(stream, start=1):
        first = first if pending else number
        pending, quotes = pending + line, quotes + line.count(b'"')
        if multiline and quotes % 2:
            continue
        yield first, pending
        pending, quotes = b"", 0
    if pending:
        yield first, pending


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(body)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _csv(row: dict[str, Any], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="").writerow("" if value is None else value for value in row.values())
    return out.getvalue()
