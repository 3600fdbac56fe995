"""Raw files without erased people: which columns of a source hold ids ([privacy] in source.toml), and their rows rewritten."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecommerce.erasure_terms import ERASED, Person, word
from ecommerce.errors import PlatformError
from ecommerce.suppression import CLIENT as ERASED_CLIENT
from ecommerce.suppression import CUSTOMER as ERASED_CUSTOMER
from ecommerce.suppression import Suppression

CUSTOMER, CLIENT, EVENT = "user_id", "client_id", "event_id"
FIELDS = (CUSTOMER, CLIENT, "session_id", "transaction_id", EVENT)
LAYOUT = ("read", "columns", "privacy")
VALUE = re.compile(r"""[^",;|\t\r\n]+""")
JOINED = re.compile(r"(?<![\w.-])[\w-]+(?:[.@+:/]+[\w-]+)*")
JOINT = re.compile(r"([.@+:/]+)")
MOST_PARTS = 9

Change = Callable[[dict[str, Any]], dict[str, Any] | None]
Quotes = Callable[[str], bool]


class PrivacyError(PlatformError):
    """A source's [privacy] is not usable; the message names the entry and the remedy."""


@dataclass(frozen=True)
class Place:
    """Where a raw row holds an id: the column, and within its text the group of ``pattern`` (default: all of it)."""

    column: str
    pattern: re.Pattern[str] | None = None

    def id_of(self, row: dict[str, Any]) -> str | None:
        """The id as staging.sql gives it; None where there is none."""
        if (value := row.get(self.column)) in (None, ""):
            return None
        if self.pattern is None:
            return str(value)
        found = self.pattern.search(str(value))
        return found[1] if found else None

    def with_id(self, row: dict[str, Any], id: str) -> str:
        """The column's value with ``id`` in the place of its own; a row with an id alone is asked."""
        text = str(row[self.column])
        if self.pattern is None or not (found := self.pattern.search(text)):
            return id
        return text[: found.start(1)] + id + text[found.end(1) :]


def places(source: dict[str, Any]) -> dict[str, Place]:
    """Field of the event contract to the place of its id in raw rows, from a parsed source.toml; empty where it says nothing.

    Raises:
        PrivacyError: an entry is neither a column's name nor a table of ``column`` and a ``pattern`` with one group.
    """
    return {field: _place(field, entry) for field, entry in source.get("privacy", {}).items()}


def _place(field: str, entry: Any) -> Place:
    if field not in FIELDS:
        raise PrivacyError(f"[privacy] {field}: ids are those of {', '.join(FIELDS)}")
    if isinstance(entry, str):
        return Place(entry)
    try:
        pattern = re.compile(entry["pattern"])
        if pattern.groups == 1 and set(entry) == {"column", "pattern"}:
            return Place(entry["column"], pattern)
    except (KeyError, TypeError, re.error):
        pass
    raise PrivacyError(f"[privacy] {field} = {entry!r}: a column's name, or {{ column = ..., pattern = ... }} whose one group is the id")


def layout(source: dict[str, Any]) -> dict[str, Any]:
    """What of a parsed source.toml is needed to erase people from files that were landed by it."""
    return {name: source[name] for name in LAYOUT if name in source}


def anonymous(source: dict[str, Any], shop_id: str, suppression: Suppression) -> Change:
    """A function from a raw row (column to value) to what takes its place; None where it is nobody's who was erased.

    A column that holds customer and client alike gets the client's token: the visitor counts, the batch job drops the customer.
    """
    known = places(source)

    def change(row: dict[str, Any]) -> dict[str, Any] | None:
        ids = {field: place.id_of(row) for field, place in known.items()}
        if not suppression.concerns(shop_id, ids.get(CUSTOMER), ids.get(CLIENT)):
            return None
        new = {known[CUSTOMER].column: None} if ids.get(CUSTOMER) is not None else {}
        given = {field: id for field, id in ids.items() if id is not None and field != CUSTOMER}
        return new | {
            known[field].column: known[field].with_id(row, suppression.stand_in(shop_id, field, id)) for field, id in given.items()
        }

    return change


def names(source: dict[str, Any], person: Person) -> Callable[[dict[str, Any]], bool]:
    """A function that says whether a raw row names ``person`` in a column of [privacy], whatever its pattern says."""
    known, pattern = places(source), word(person.customer)

    def theirs(row: dict[str, Any]) -> bool:
        if CUSTOMER in known and row.get(known[CUSTOMER].column) not in (None, ""):
            text = str(row[known[CUSTOMER].column])
            return bool(pattern.search(text)) or text in person.clients
        return CLIENT in known and known[CLIENT].id_of(row) in person.clients

    return theirs


def quotes(person: Person) -> Quotes:
    """A function that says whether a line that no row can be read from holds an id of ``person``."""
    patterns = [word(person.customer), *map(word, sorted(person.clients))]
    return lambda text: any(pattern.search(text) for pattern in patterns)


def without(repairs: list[dict[str, Any]], quotes: Callable[[str], object]) -> list[dict[str, Any]]:
    """``repairs`` of a manifest (what each line ``was`` and is ``now``) without the texts that ``quotes`` names."""
    return [{**one, "was": ERASED, "now": ERASED} if quotes(f"{one['was']} {one['now']}") else one for one in repairs]


def quotes_erased(shop_id: str, suppression: Suppression) -> Quotes:
    """As ``quotes``, of everybody who was erased from the shop."""
    return lambda text: any(suppression.names(shop_id, kind, one) for one in _words(text) for kind in (ERASED_CUSTOMER, ERASED_CLIENT))


def _words(text: str) -> set[str]:
    """What of ``text`` may be an id: as ``word`` finds it, with what joins words to one, and whole values."""
    found = {value.strip() for value in VALUE.findall(text)}
    for run in JOINED.findall(text):
        parts = JOINT.split(run)
        for first in range(0, len(parts), 2):
            if first == 0 or not parts[first - 1].endswith("."):  # as word(): what follows a point is no id
                found |= {"".join(parts[first : last + 1]) for last in range(first, min(len(parts), first + MOST_PARTS), 2)}
    return found - {""}


def rewrite(path: Path, target: Path, source: dict[str, Any], change: Change, quotes: Quotes) -> int:
    """Write ``path`` to ``target`` with the rows that ``change`` changes, and without the unreadable lines that ``quotes`` names.

    Returns how many there are; nothing is written for none.
    """
    changed, parts = 0, []
    with path.open("rb") as stream:
        for raw, row, write in rows(stream, source):
            new = change(row) if row is not None else None
            if row is None and quotes(_text(raw, source)):
                parts.append(_unreadable(raw, source))
            elif row is not None and new is not None:
                parts.append(write({**row, **new}))
            else:
                parts.append(raw)
            changed += parts[-1] is not raw
    if changed:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(parts))
    return changed


def left(path: Path, source: dict[str, Any], person: Person) -> int:
    """How many rows and unreadable lines of ``path`` name ``person``."""
    theirs, quoted = names(source, person), quotes(person)
    with path.open("rb") as stream:
        return sum(theirs(row) if row is not None else quoted(_text(raw, source)) for raw, row, _ in rows(stream, source))


def _text(raw: bytes, source: dict[str, Any]) -> str:
    return raw.decode(source["read"].get("encoding", "utf-8"), "replace")


def _unreadable(raw: bytes, source: dict[str, Any]) -> bytes:
    """What takes the place of an unreadable line: as many lines, and never a row."""
    body = raw.rstrip(b"\r\n")
    text = ERASED
    if source["read"]["format"] == "csv" and len(source.get("columns", {})) == 1:
        text += source["read"].get("separator", ",")  # alone it would be the value of the one column
    if breaks := body.count(b"\n"):
        text = f'"{text}' + "\n" * breaks + '"'
    return text.encode() + raw[len(body) :]


def rows(stream: Any, source: dict[str, Any]) -> Iterator[tuple[bytes, dict[str, Any] | None, Callable[[dict[str, Any]], bytes]]]:
    """Each raw row: its bytes, its values by column (none: a header; None: not readable), and how to write it again."""
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
            yield raw, {}, lambda row, end=end: _csv(row, separator).encode(encoding) + end
            continue
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
