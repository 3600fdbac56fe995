"""The run's Parquet files become the lake's: manifests of events and quarantine, day by day."""

from __future__ import annotations

import shutil
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sources import Source

from ecommerce import lake

PUBLISHERS = 8


@dataclass(frozen=True)
class LakeOutput:
    """Where a run's files go."""

    root: Path
    source: Source
    shop_id: str
    run_id: str
    days: list[date]
    label: str
    attempt: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def folder(self) -> str:
        """Name of the folders that the run writes: a retry under the same run id touches nothing that is published."""
        return f"{self.run_id}-{self.attempt}"

    @property
    def events_root(self) -> Path:
        """Folder of the folders ``date=…`` that receive accepted rows: scratch where they come from the archive, which stays as it is."""
        if self.source.format == "events":
            return lake.scratch(self.root, self.shop_id)
        return lake.events(self.root, self.source.name, self.shop_id, self.days[0]).parent

    @property
    def facts_root(self) -> Path:
        """Folder of the files of facts that marts read while the run lasts."""
        return lake.scratch(self.root, self.shop_id) / self.folder

    def events_folders(self) -> dict[date, str]:
        """Folder for the accepted rows of each day."""
        return {day: str(self.events_root / f"date={day.isoformat()}" / self.folder) for day in self.days}

    def quarantine_folders(self) -> dict[date | None, str]:
        """Folder for the rows held back of each day; None: no day is known."""
        return {day: str(self._quarantine(day) / self.folder) for day in (*self.days, None)}

    def publish(self, stats: list[Any]) -> None:
        """Publish the manifests of the run's days: a day without rows gets an empty one where it had rows before."""
        rows: dict[tuple[str, date | None], list[Any]] = defaultdict(list)
        for row in stats:
            rows[row["state"], row["day"]].append(row)
        partitions = {} if self.source.format == "events" else {self._events(day): rows["good", day] for day in self.days}
        partitions |= {self._quarantine(day): rows["quarantined", day] for day in (*self.days, None)}
        with ThreadPoolExecutor(PUBLISHERS) as pool:  # most of it waits for the disk
            list(pool.map(self._publish, partitions.keys(), partitions.values()))

    def clear_scratch(self) -> None:
        """Remove what a run of the shop keeps while it lasts: this one's, or a dead one's."""
        shutil.rmtree(lake.scratch(self.root, self.shop_id), ignore_errors=True)

    def discard(self) -> None:
        """Remove everything the run wrote: it does not publish."""
        for folder in (*self.events_folders().values(), *self.quarantine_folders().values()):
            shutil.rmtree(folder, ignore_errors=True)

    def _events(self, day: date) -> Path:
        return lake.events(self.root, self.source.name, self.shop_id, day)

    def _quarantine(self, day: date | None) -> Path:
        return lake.quarantine(self.root, self.source.name, self.shop_id, day.isoformat() if day else f"unknown_{self.label}")

    def _publish(self, partition: Path, rows: list[Any]) -> None:
        paths = sorted({Path(row["path"]) for row in rows if row["path"]})
        if not paths and lake.read_manifest(partition) is None:
            return
        files = [lake.describe(partition, path, pq.read_metadata(path).num_rows) for path in paths]
        lake.publish(
            partition, lake.Manifest(self.run_id, datetime.now(UTC).isoformat(), files, {"inputs": sum(row["inputs"] for row in rows)})
        )
        lake.sweep(partition)


def accepted(stats: list[Any]) -> list[Path]:
    """The files of the accepted rows."""
    return sorted({Path(row["path"]) for row in stats if row["state"] == "good"})


def quarantined(stats: list[Any]) -> list[tuple[date | None, str, int, str, str]]:
    """Every row held back: (day, file, line, reason, raw), by file and line."""
    found = {(row["day"], row["path"]) for row in stats if row["state"] == "quarantined"}
    rows = [(day, *row.values()) for day, path in found for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: (row[1], row[2]))
