"""The archive in the lake held against what was acknowledged: each valid record once, in its shop-day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from drills.traffic import Acked
from ecommerce import lake, stream
from ecommerce.archived_log import ArchivedLog
from ecommerce.config import Settings


def differences(root: Path, records: Iterable[Acked]) -> list[str]:
    """What the archive below ``root`` lacks of ``records``, and what it has too often, in words."""
    wanted = {(record.partition, record.offset) for record in records if record.refusal is None}
    found = Counter(_events(root))
    problems = []
    if missing := wanted - found.keys():
        problems.append(f"{len(missing):,} of {len(wanted):,} accepted records are not in the archive")
    if extra := found.keys() - wanted:
        problems.append(f"the archive holds {len(extra):,} records that were not accepted")
    if twice := [place for place, times in found.items() if times > 1]:
        problems.append(f"the archive holds {len(twice):,} records more than once")
    return problems


def is_whole(settings: Settings, ends: Mapping[int, int] | None) -> bool:
    """Whether the archive says of itself that it holds the log up to ``ends``, by partition; what it holds is another matter."""
    archive = ArchivedLog(settings.lake_dir, stream.describe_log(settings, settings.kafka_topic).topic_id)
    spans = {number: archive.span(number) for number in ends or {}}
    return ends is not None and all((spans[number].next if spans[number] else 0) >= end for number, end in ends.items())


def rows(root: Path) -> int:
    """Rows that the manifests name, an event's lines each; cheap."""
    partitions = (path.parent for path in root.glob(f"events/source=kafka/shop=*/date=*/{lake.MANIFEST}"))
    return sum(file.rows for partition in partitions for file in lake.read_manifest(partition).files)


def _events(root: Path) -> Iterable[tuple[int, int]]:
    """Partition and offset of each archived event, as often as it is there."""
    for manifest in root.glob(f"events/source=kafka/shop=*/date=*/{lake.MANIFEST}"):
        for file in lake.read_manifest(manifest.parent).files:
            table = pq.read_table(manifest.parent / file.path, columns=["kafka_partition", "kafka_offset", "item_index"], partitioning=None)
            for partition, offset, item in zip(*(column.to_pylist() for column in table.columns), strict=True):
                if item == 0:
                    yield partition, offset
