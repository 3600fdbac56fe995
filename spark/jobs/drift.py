"""Schema drift: how the files differ from the columns that their source declares, by header (CSV), keys (JSON) or schema (Parquet)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
from inputs import Block
from sources import Source

from ecommerce.flat_schema import ARCHIVE_SCHEMA

Drift = dict[str, list[str]]
"""``dropped``, ``repeated``, ``added`` and ``retyped`` columns, each as ``file: column, …``."""

KINDS = ("dropped", "repeated", "added", "retyped")
BYTES_A_RUN, BYTES_A_FILE, PLACES = 8 << 20, 64 << 10, 4
"""JSON that is looked at: of a run, and of a file at least, there from several places."""
TYPES: dict[str, tuple[type, ...]] = {
    "STRING": (str, int, float, bool), "ARRAY": (list,), "STRUCT": (dict,), "MAP": (dict,), "BOOLEAN": (bool,),
    "INT": (int,), "INTEGER": (int,), "BIGINT": (int,), "LONG": (int,), "SMALLINT": (int,), "TINYINT": (int,),
    "DOUBLE": (int, float), "FLOAT": (int, float), "DECIMAL": (int, float), "DATE": (str,), "TIMESTAMP": (str, int, float),
}  # fmt: skip
"""What JSON may hold for a Spark type; text takes numbers as they are written."""


def of_headers(source: Source, blocks: list[Block]) -> Drift:
    """CSV files with a header. Another order is no difference: columns are taken by name."""
    found: Drift = {kind: [] for kind in KINDS}
    for file, header in {block.file: block.header for block in blocks if block.header}.items():
        _tell(found, file, "dropped", [name for name in source.columns if name not in (*header, *source.optional)])
        _tell(found, file, "repeated", sorted({name for name in header if header.count(name) > 1}))
        _tell(found, file, "added", [name for name in header if name not in source.columns])
    return found


def of_schemas(paths: list[Path]) -> Drift:
    """The archive's Parquet files against its schema."""
    found: Drift = {kind: [] for kind in KINDS}
    for path in paths:
        own = pq.read_schema(path)
        _tell(found, path.name, "dropped", [field.name for field in ARCHIVE_SCHEMA if field.name not in own.names])
        _tell(found, path.name, "added", [name for name in own.names if name not in ARCHIVE_SCHEMA.names])
        both = [field for field in ARCHIVE_SCHEMA if field.name in own.names]
        retyped = [(field, own.field(field.name).type) for field in both if own.field(field.name).type != field.type]
        _tell(found, path.name, "retyped", [f"{field.name} ({kind}, declared {field.type})" for field, kind in retyped])
    return found


def of_keys(source: Source, blocks: list[Block]) -> Drift:
    """JSON files by the keys of their objects and the kinds of their values; a nested one is ``items.price``.

    A column is dropped where no line of a file has it, unless the source says that rows may leave it out (``optional``);
    retyped where none of the values looked at can be of its type.
    """
    found: Drift = {kind: [] for kind in KINDS}
    tree = {name: _tree(kind) for name, kind in source.columns.items()}
    files = {block.file: block.path for block in blocks}
    for file, path in files.items():
        seen = _Seen(tree)
        seen.look(_sample(Path(path), max(BYTES_A_FILE, BYTES_A_RUN // len(files))))
        if seen.missing(source.optional):
            seen.look(Path(path).read_bytes().splitlines())
        _tell(found, file, "dropped", seen.missing(source.optional))
        _tell(found, file, "added", sorted(name for name, fits in seen.fits.items() if fits is None))
        _tell(found, file, "retyped", [name for name, fits in seen.fits.items() if fits and True not in fits])
    return found


def _sample(path: Path, size: int) -> list[bytes]:
    """Lines of the file at ``path``: all of them, or ``size`` bytes of them from evenly spread places."""
    length = path.stat().st_size
    with path.open("rb") as stream:
        if length <= size:
            return stream.read().splitlines()
        found = []
        for place in range(PLACES):
            stream.seek(place * (length // PLACES))
            found += stream.read(size // PLACES).splitlines()[1 if place else 0 : -1]
        return found


class _Seen:
    """Names seen in a file's objects: None for one that is not declared, else whether its values fit, one entry a kind of answer."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree, self.fits = tree, defaultdict[str, set[bool] | None](set)

    def look(self, lines: list[bytes]) -> None:
        """Take in ``lines``; one that is no object is left to the row checks."""
        for line in lines:
            try:
                value = msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue
            if isinstance(value, dict):
                self._object(value, self.tree, "")

    def _object(self, value: dict[str, Any], tree: dict[str, Any], path: str) -> None:
        for name, inner in value.items():
            place = f"{path}{name}"
            if name not in tree:
                self.fits[place] = None
            elif inner is None:
                self.fits[place]  # there, and of no type
            else:
                self._value(inner, tree[name], place)

    def _value(self, value: Any, kind: Any, place: str) -> None:
        name, inside = kind
        allowed = TYPES.get(name)
        fits = allowed is None or (isinstance(value, allowed) and not (isinstance(value, bool) and bool not in allowed))
        self.fits[place].add(fits)
        if fits and name == "STRUCT":
            self._object(value, inside, f"{place}.")
        elif fits and name == "ARRAY":
            for one in value:
                self._element(one, inside, place)

    def _element(self, value: Any, kind: Any, place: str) -> None:
        if kind[0] == "STRUCT" and isinstance(value, dict):
            self._object(value, kind[1], f"{place}.")
        elif value is not None:
            self._value(value, kind, f"{place}[]")

    def missing(self, optional: tuple[str, ...]) -> list[str]:
        """Declared names that were not seen and may not be left out; one within a value only where such a value was seen."""
        return [name for name in _names(self.tree) if name not in self.fits and name not in optional and self._parent_seen(name)]

    def _parent_seen(self, name: str) -> bool:
        parent = name.rpartition(".")[0]
        return not parent or any(seen.startswith(f"{parent}.") for seen in self.fits)


def _names(tree: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, kind in tree.items():
        yield f"{path}{name}"
        while kind[0] == "ARRAY":
            kind = kind[1]
        if kind[0] == "STRUCT":
            yield from _names(kind[1], f"{path}{name}.")


def _tree(kind: str) -> tuple[str, Any]:
    """A Spark SQL type as (name, what it holds): the element of an array, the fields of a struct."""
    name, _, rest = kind.strip().partition("<")
    name = re.match(r"\w*", name.strip())[0].upper()
    inside = rest.rstrip()[:-1]
    if name == "ARRAY":
        return name, _tree(inside)
    if name == "STRUCT":
        fields = (re.split(r"[\s:]+", field.strip(), maxsplit=1) for field in _split(inside))
        return name, {field.strip("`"): _tree(of) for field, of in fields}
    return name, None


def _split(text: str) -> list[str]:
    """``text`` at the commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _tell(found: Drift, file: str, kind: str, names: list[str]) -> None:
    if names:
        found[kind].append(f"{file}: {', '.join(names)}")
