"""The archive read as the log it came from: the valid events of a partition, in offset order."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from ecommerce import lake
from ecommerce.events import Event
from ecommerce.flat_events import event_of
from ecommerce.live.keys import KEEP_DAY

PROGRESS = "_archived.json"
BATCH_ROWS = 512


class Span(NamedTuple):
    """Offsets of a partition that the archive holds whole: from ``first`` up to, not including, ``next``."""

    first: int
    next: int


class _File(NamedTuple):
    first: int
    last: int
    path: Path


class ArchivedLog:
    """What the lake at ``root`` holds of the topic with ``topic_id``. Files are listed once, when first asked for."""

    def __init__(self, root: Path, topic_id: str) -> None:
        self._folder, self._topic_id = root / "events" / "source=kafka", topic_id
        self._files: dict[int, list[_File]] | None = None

    def span(self, partition: int) -> Span | None:
        """The archived offsets of ``partition``; None where nothing was archived, or the lake is not here."""
        found = read_progress(self._folder).get(f"{self._topic_id}/{partition}")
        return None if found is None else Span(*found)

    def events(self, partition: int, first: int, stop: int) -> Iterator[tuple[int, Event]]:
        """(offset, event) of ``partition`` from ``first`` up to, not including, ``stop``, in offset order.

        Shop-days that nobody wrote to for as long as the live state keeps a day are left out.

        Raises:
            lake.LakeError: a manifest is damaged.
            OSError: a file cannot be read.
        """
        if self._files is None:
            self._files = self._list()
        waiting = [file for file in self._files.get(partition, []) if file.last >= first and file.first < stop]
        for offset, event in _merged(sorted(waiting)):
            if first <= offset < stop:
                yield offset, event

    def _list(self) -> dict[int, list[_File]]:
        found: dict[int, list[_File]] = {}
        mark = f"{self._topic_id[:8]}-p"
        for path in self._folder.glob(f"shop=*/date=*/{lake.MANIFEST}"):
            manifest = lake.read_manifest(path.parent)
            if manifest is None or time.time() - datetime.fromisoformat(manifest.created_at).timestamp() > KEEP_DAY:
                continue
            for file in manifest.files:
                if file.path.startswith(mark):
                    number, begin, end = file.path.partition("/")[0].removeprefix(mark).split("-")
                    found.setdefault(int(number), []).append(_File(int(begin), int(end), path.parent / file.path))
        return found


def day_events(root: Path, shop_id: str, day: date) -> Iterator[tuple[int, int, Event]]:
    """(partition, offset, event) of everything archived of the shop-day, copies and all, by partition and offset.

    Raises:
        lake.LakeError: a published file is absent or altered.
    """
    paths = lake.files(lake.events(root, "kafka", shop_id, day))
    by_place = sorted(paths, key=lambda path: path.name)
    for number, files in groupby(by_place, key=_partition_of):
        for offset, event in _merged(sorted(_File(*_span_of(path), path) for path in files)):
            yield number, offset, event


def _partition_of(path: Path) -> int:
    return int(path.stem.rsplit("-", 3)[1].removeprefix("p"))


def _span_of(path: Path) -> tuple[int, int]:
    _, _, first, last = path.stem.rsplit("-", 3)
    return int(first), int(last)


def read_progress(folder: Path) -> dict[str, tuple[int, int]]:
    """``<topic id>/<partition>`` to the first and next offset that the archive in ``folder`` holds.

    Raises:
        lake.LakeError: the file is damaged.
    """
    path = folder / PROGRESS
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[int, int]])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise lake.LakeError(f"{path} is damaged ({error}): remove it, Kafka knows the archiver's offsets too") from error


def _merged(files: list[_File]) -> Iterator[tuple[int, Event]]:
    """Events of ``files`` (by first offset), each opened when its first offset is due."""
    heap: list[tuple[int, int, Event, Iterator[tuple[int, Event]]]] = []
    following = 0
    while heap or following < len(files):
        while following < len(files) and (not heap or files[following].first <= heap[0][0]):
            _push(heap, following, _events(files[following].path))
            following += 1
        offset, number, event, rest = heapq.heappop(heap)
        yield offset, event
        _push(heap, number, rest)


def _push(heap: list, number: int, events: Iterator[tuple[int, Event]]) -> None:
    if head := next(events, None):
        heapq.heappush(heap, (head[0], number, head[1], events))


def _events(path: Path) -> Iterator[tuple[int, Event]]:
    import pyarrow.parquet as pq  # 40 MB that a consumer carries only while it rebuilds

    try:
        file = pq.ParquetFile(path, pre_buffer=False)
    except FileNotFoundError:
        raise lake.LakeError(f"{path} is gone: merged while it was about to be read (start again), or lost (restore the lake)") from None
    with file:
        rows = (row for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False) for row in batch.to_pylist())
        for offset, lines in groupby(rows, key=lambda row: row["kafka_offset"]):
            yield offset, event_of(list(lines))
