"""What a run reads: the files that the lake's manifests name, cut into blocks of whole lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sources import Source

from ecommerce import lake

BLOCK_BYTES = 32 << 20


@dataclass(frozen=True)
class Partition:
    """One published partition of the input: its folder, the days it may hold within the run, its manifest."""

    folder: Path
    from_date: date
    to_date: date
    manifest: lake.Manifest

    def days(self) -> list[date]:
        """The days it may hold, ascending."""
        return [self.from_date + timedelta(days=n) for n in range((self.to_date - self.from_date).days + 1)]


@dataclass(frozen=True)
class Block:
    """Whole lines of one file: bytes ``start`` to ``end``; ``first_line`` is 1-based and counts the header.

    ``header`` is the file's columns in its own order, where the source has headers.
    """

    number: int
    path: str
    file: str
    start: int
    end: int
    first_line: int
    from_date: date
    to_date: date
    header: tuple[str, ...] = ()


def partitions(root: Path, source: Source, shop_id: str, from_date: date, to_date: date) -> list[Partition]:
    """The published partitions that cover the run, by day; days without one are left out."""
    days = [from_date + timedelta(days=n) for n in range((to_date - from_date).days + 1)]
    if source.format == "events":
        spans = [(lake.events(root, source.name, shop_id, day), day, day) for day in days]
    elif source.date_from == "path":
        spans = [(lake.landing(root, source.name, shop_id, day.isoformat()), day, day) for day in days]
    else:
        label = from_date.isoformat() if from_date == to_date else f"{from_date}_{to_date}"
        spans = [(lake.landing(root, source.name, shop_id, label), from_date, to_date)]
    found = ((folder, first, last, lake.read_manifest(folder)) for folder, first, last in spans)
    return [Partition(folder, first, last, manifest) for folder, first, last, manifest in found if manifest]


def lineage(part: Partition, root: Path, source: Source) -> dict[str, Any]:
    """What etl_run keeps of an input partition: path below the lake, the run that landed it, rows, files with rows and SHA-256,
    and the folder of a source of one's own."""
    files = [{"path": file.path, "rows": file.rows, "sha256": file.sha256} for file in part.manifest.files]
    found = {"path": part.folder.relative_to(root).as_posix(), "run_id": part.manifest.run_id, "rows": part.manifest.rows, "files": files}
    repairs = part.manifest.details.get("repairs")
    folder = {"source_folder": str(source.folder)} if source.folder else {}
    return found | ({"rows_repaired": len(repairs)} if repairs else {}) | folder


def ingest_seconds(parts: list[Partition], run_id: str) -> float:
    """How long the run's own ingest took; 0 where it read what had landed before."""
    return round(sum(part.manifest.details.get("seconds", 0) for part in parts if part.manifest.run_id == run_id), 3)


def blocks(source: Source, parts: list[Partition], size: int = BLOCK_BYTES) -> list[Block]:
    """Every file of ``parts`` as blocks of about ``size`` bytes; a multi-line file is one block.

    Raises:
        lake.LakeError: a file is absent or altered.
    """
    found: list[Block] = []
    for part in parts:
        for path in lake.files(part.folder):
            name, header = "/".join(path.relative_to(part.folder).parts[1:]), read_header(source, path)
            spans = [(0, path.stat().st_size, 1)] if source.multiline else _spans(path, size)
            for start, end, first_line in spans:
                found.append(Block(len(found), str(path), name, start, end, first_line, part.from_date, part.to_date, header))
    return found


def _spans(path: Path, size: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, first line) of each block: about ``size`` bytes, ending with a line."""
    start, line, length = 0, 1, path.stat().st_size
    with path.open("rb") as stream:
        while start < length:
            if length - start <= size:
                yield start, length, line
                return
            body = stream.read(size) + stream.readline()
            yield start, start + len(body), line
            start, line = start + len(body), line + body.count(b"\n")


def read_header(source: Source, path: Path) -> tuple[str, ...]:
    """The columns that the first record of the file at ``path`` names; none where the source's files have no header."""
    if source.format != "csv" or not source.header:
        return ()
    with path.open(encoding=source.encoding, errors="replace", newline="") as stream:
        found = next(csv.reader(stream, delimiter=source.separator), [])
    return tuple(column.strip().removeprefix("\ufeff") for column in found)
