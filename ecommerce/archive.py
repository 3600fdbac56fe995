"""The archive of the events topic in the lake: accepted events by shop-day, each offset at most once.

One writer. A flush writes one Parquet file for each shop-day and partition, then one manifest a shop-day.
The manifest keeps, for each partition, the offset up to which that shop-day is complete; after a crash
between two manifests the same records are read again, and each shop-day takes only what it lacks.
After the last manifest of a flush one file says up to which offset each partition is archived whole.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ecommerce import archived_log, lake
from ecommerce.events import Event, Item
from ecommerce.flat_schema import ARCHIVE_SCHEMA as SCHEMA
from ecommerce.lake import LakeFile, Manifest
from ecommerce.shops import Shop
from ecommerce.stream import Log

SOURCE = "kafka"
MERGE_FILES = 32
ROW_GROUP = 8192
SMALL_ROWS = 20_000
CLOSED_ROWS = 250_000
"""Rows of one file of a day that is over, at most: what the archiver can hold while it merges."""
DAY_IS_OVER, QUIET = timedelta(hours=1), timedelta(minutes=10)
KEEP_UNNAMED_SECONDS = 3600


class Archived(NamedTuple):
    """A valid event and where it stands in the log."""

    partition: int
    offset: int
    event: Event


class ArchiveInUse(Exception):
    """Another archiver writes to this lake."""


class Archive:
    """The one writer of ``events/source=kafka`` below ``root`` for the records of ``log``.

    Raises:
        ArchiveInUse: another process holds the lake's archive.
    """

    def __init__(self, root: Path, log: Log, shops: Mapping[str, Shop]) -> None:
        self._root, self._log, self._shops = root, log, shops
        self._swept: set[Path] = set()
        self._folder = root / "events" / f"source={SOURCE}"
        self._lock = _lock(self._folder / ".archiver.lock")

    def write(self, rows: Iterable[Archived], ends: Mapping[int, int]) -> int:
        """Publish ``rows`` (in offset order); ``ends`` is the next offset of each partition they come from.

        Calling it again with the same rows, or rows that overlap, adds nothing twice.

        Returns:
            The number of events written.

        Raises:
            OSError: the lake cannot be written; call again.
            lake.LakeError: a manifest is damaged.
        """
        days: dict[tuple[str, date], list[Archived]] = defaultdict(list)
        for row in rows:
            days[row.event.shop_id, self._shops[row.event.shop_id].day_of(row.event.event_time)].append(row)
        written = sum(self._write_day(shop_id, day, found, ends) for (shop_id, day), found in days.items())
        self._note(ends)
        return written

    def begin(self, partition: int, first: int, following: int) -> None:
        """Note that the archive of ``partition`` holds the offsets from ``first`` up to, not including, ``following``."""
        progress = archived_log.read_progress(self._folder)
        progress[self._place(partition)] = (first, following)
        lake.replace(self._folder / archived_log.PROGRESS, msgspec.json.encode(progress))

    def archived(self, partition: int) -> int | None:
        """The offset up to which ``partition`` is archived whole; None where the lake does not say."""
        found = archived_log.read_progress(self._folder).get(self._place(partition))
        return None if found is None else found[1]

    def _note(self, ends: Mapping[int, int]) -> None:
        progress = archived_log.read_progress(self._folder)
        for number, end in ends.items():
            first, following = progress.get(self._place(number), (end, end))
            progress[self._place(number)] = (first, max(end, following))
        lake.replace(self._folder / archived_log.PROGRESS, msgspec.json.encode(progress))

    def close(self) -> None:
        """Let another archiver write."""
        os.close(self._lock)

    def _write_day(self, shop_id: str, day: date, rows: list[Archived], ends: Mapping[int, int]) -> int:
        partition = lake.events(self._root, SOURCE, shop_id, day)
        with lake.exclusive(partition):
            return self._extend(partition, rows, ends)

    def _extend(self, partition: Path, rows: list[Archived], ends: Mapping[int, int]) -> int:
        manifest = lake.read_manifest(partition) or Manifest(run_id="archiver", created_at="")
        offsets = dict(manifest.details.get("offsets", {}))
        lacking: dict[int, list[Archived]] = defaultdict(list)
        for row in rows:
            if row.offset >= offsets.get(self._place(row.partition), 0):
                lacking[row.partition].append(row)
        files = [*manifest.files, *(self._write_file(partition, number, found) for number, found in sorted(lacking.items()))]
        if not lacking:
            return 0
        offsets.update({self._place(number): ends[number] for number in lacking})
        self._publish(partition, self._merged(partition, files), offsets)
        return sum(map(len, lacking.values()))

    def _place(self, number: int) -> str:
        """A partition of this very log: a topic made again starts its offsets anew."""
        return f"{self._log.topic_id}/{number}"

    def _write_file(self, partition: Path, number: int, rows: list[Archived]) -> LakeFile:
        return self._save(partition, number, rows[0].offset, rows[-1].offset, table(rows))

    def _save(self, partition: Path, number: int, first: int, last: int, content: pa.Table) -> LakeFile:
        span = f"p{number}-{first:012d}-{last:012d}"
        path = partition / f"{self._log.topic_id[:8]}-{span}" / f"{self._log.topic}-{span}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, path, compression="zstd", row_group_size=ROW_GROUP)
        return lake.describe(partition, path, content.num_rows)

    def _publish(self, partition: Path, files: list[LakeFile], offsets: dict[str, int]) -> None:
        details = {"source": SOURCE, "topic": self._log.topic, "cluster_id": self._log.cluster_id, "offsets": offsets}
        created = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        lake.publish(partition, Manifest("archiver", created, files, details))
        if partition not in self._swept or len(files) % MERGE_FILES == 0:
            self._swept.add(partition)
            _sweep(partition)

    def close_days(self, now: datetime) -> int:
        """Merge the files of shop-days that are over and that nobody wrote to for ten minutes; ``now`` is aware.

        Returns:
            The number of shop-days whose files became fewer.
        """
        closed = 0
        for shop in self._shops.values():
            for day in lake.days(self._root, SOURCE, shop.shop_id):
                if day < shop.day_of(now - DAY_IS_OVER):
                    closed += self._close(lake.events(self._root, SOURCE, shop.shop_id, day), now)
        return closed

    def _close(self, partition: Path, now: datetime) -> bool:
        with lake.exclusive(partition):
            manifest = lake.read_manifest(partition)
            if manifest is None or now - datetime.fromisoformat(manifest.created_at) < QUIET:
                return False
            files = list(manifest.files)
            for number in range(self._log.partitions):
                files = self._merged_groups(partition, number, files)
            if len(files) == len(manifest.files):
                return False
            self._publish(partition, files, manifest.details.get("offsets", {}))
            return True

    def _merged_groups(self, partition: Path, number: int, files: list[LakeFile]) -> list[LakeFile]:
        """``files`` with those of a log's partition merged to as few as hold CLOSED_ROWS rows each."""
        group: list[LakeFile] = []
        for file in sorted((file for file in files if file.path.startswith(self._mark(number))), key=lambda file: file.path):
            if sum(one.rows for one in group) + file.rows > CLOSED_ROWS:
                files, group = self._joined(partition, number, files, group), []
            group.append(file)
        return self._joined(partition, number, files, group)

    def _merged(self, partition: Path, files: list[LakeFile]) -> list[LakeFile]:
        """``files`` with the many small ones of a partition made one; the small ones stay for an hour for their readers."""
        for number in range(self._log.partitions):
            small = [file for file in files if file.path.startswith(self._mark(number)) and file.rows < SMALL_ROWS]
            if len(small) >= MERGE_FILES:
                files = self._joined(partition, number, files, small)
        return files

    def _joined(self, partition: Path, number: int, files: list[LakeFile], some: list[LakeFile]) -> list[LakeFile]:
        """``files`` with ``some`` of them made one."""
        if len(some) < 2:
            return files
        content = pa.concat_tables([pq.read_table(partition / file.path, schema=SCHEMA) for file in some])
        content = content.sort_by([("kafka_offset", "ascending"), ("item_index", "ascending")])
        spans = content["kafka_offset"]
        return [*(file for file in files if file not in some), self._save(partition, number, spans[0].as_py(), spans[-1].as_py(), content)]

    def _mark(self, number: int) -> str:
        return f"{self._log.topic_id[:8]}-p{number}-"


def table(rows: Iterable[Archived]) -> pa.Table:
    """The rows' events in :data:`SCHEMA`: one row per item, or one per event without items."""
    flat = [values for row in rows for values in _lines(row)]
    columns = zip(*flat, strict=True)
    return pa.table([pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _lines(row: Archived) -> Iterable[tuple[Any, ...]]:
    event = row.event
    head = (
        event.event_id, event.shop_id, event.event_name, event.event_time.astimezone(UTC), event.client_id, event.session_id,
        event.user_id, event.country, event.device, event.channel, event.page, event.currency, event.transaction_id,
        _decimal(event.tax), _decimal(event.shipping), event.coupon,
    )  # fmt: skip
    for index, item in enumerate(event.items or [None]):
        yield (*head, index, *_item(item), row.partition, row.offset)


def _item(item: Item | None) -> tuple[Any, ...]:
    if item is None:
        return (None,) * 7
    return (
        item.item_id, item.item_name, item.item_category, item.item_brand,
        _decimal(item.price), item.quantity, _decimal(item.discount),
    )  # fmt: skip


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _lock(path: Path) -> int:
    """Hold the file for as long as this process lives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode() or "?"
        os.close(descriptor)
        raise ArchiveInUse(f"another archiver (process {holder}) writes to {path.parent}: stop it first, one is enough") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _sweep(partition: Path) -> None:
    """Remove what the manifest does not name and nobody can be reading any more."""
    manifest = lake.read_manifest(partition)
    named = {Path(file.path).parts[0] for file in manifest.files} if manifest else set()
    for entry in partition.iterdir():
        if entry.is_dir() and entry.name not in named and time.time() - entry.stat().st_mtime > KEEP_UNNAMED_SECONDS:
            shutil.rmtree(entry)
