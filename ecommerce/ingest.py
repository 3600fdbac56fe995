"""Raw files into the lake's landing layer, as received, counted outside Spark and published by manifest."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import time
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

from ecommerce import lake, privacy, simulator
from ecommerce.config import PROJECT_DIR, settings
from ecommerce.errors import PlatformError
from ecommerce.shops import Shop
from ecommerce.suppression import Suppression

ANSWER_KEY = "expected.json"


class IngestError(PlatformError):
    """Files or their source are not usable; the message names the file and the remedy."""


def source_folder(source: str) -> Path:
    """The folder of ``source``: a path with a separator, or a name below spark/sources.

    Raises:
        IngestError: it holds no source.toml and staging.sql.
    """
    folder = Path(source) if "/" in source else PROJECT_DIR / "spark" / "sources" / source
    for name in ("source.toml", "staging.sql"):
        if not (folder / name).is_file():
            shipped = sorted(path.parent.name for path in (PROJECT_DIR / "spark" / "sources").glob("*/source.toml"))
            raise IngestError(
                f"source {source}: {folder / name} is missing: name its folder by path, or put it there; shipped sources: {', '.join(shipped)}"
            )
    return folder


def source_name(source: str) -> str:
    """The name under which the lake keeps ``source``."""
    return Path(source).name


def dated_by_path(source: str) -> bool:
    """Whether a file's path says its day; otherwise the files of a range land together.

    Raises:
        IngestError: there is no such source.
    """
    table = tomllib.loads((source_folder(source) / "source.toml").read_text(encoding="utf-8"))
    return table.get("files", {}).get("date_from") == "path"


def range_label(days: list[date]) -> str:
    """The landing partition's date of files that land together for ``days``."""
    first, last = days[0].isoformat(), days[-1].isoformat()
    return first if first == last else f"{first}_{last}"


def land_simulated(run_id: str, shop: Shop, day: date, seed: int) -> None:
    """Simulate ``day`` of ``shop`` into its landing partition, with the answer key beside the data."""
    partition = lake.landing(settings().lake_dir, "simulated", shop.shop_id, day.isoformat())
    began = time.monotonic()
    with lake.landing_alone(partition, run_id) as folder:
        folder.mkdir(exist_ok=True)
        path, rows = simulator.write_day(shop, day, seed, folder)
        erased = without_erased([path], "simulated", shop.shop_id)
        details = {"source": "simulated", "seed": seed, "erased": erased, "seconds": _since(began)}
        _publish(partition, run_id, [lake.describe(partition, path, rows)], details)


def answer_key(shop_id: str, day: date) -> dict[str, Any]:
    """What the simulator says of ``day``: ``measures`` and ``distinct``, by metric name.

    Raises:
        IngestError: the day was not simulated.
    """
    partition = lake.landing(settings().lake_dir, "simulated", shop_id, day.isoformat())
    manifest = lake.read_manifest(partition)
    if manifest is None:
        raise IngestError(f"{shop_id} {day} has no simulated data in {partition}: ingest it first")
    key = json.loads((partition / manifest.run_id / ANSWER_KEY).read_text(encoding="utf-8"))
    if manifest.details.get("erased"):
        key["distinct"].pop("customers", None)  # the simulator does not know who was erased
    return key


def land_files(run_id: str, shop_id: str, source: str, input: Path, days: list[date]) -> int:
    """Copy the files of ``input`` (a file or folder) that belong to ``days`` into the landing layer.

    Files whose path carries their day land in that day; others land together under the whole range.
    Archives (.zip, a member's path counts as its own) and .gz files are unpacked: Spark reads a .zip as empty without a word.

    Returns:
        The number of files landed.

    Raises:
        IngestError: the source is malformed, or no file of the range is there.
        privacy.PrivacyError: its [privacy] is.
    """
    settings_of = tomllib.loads((source_folder(source) / "source.toml").read_text(encoding="utf-8"))
    try:
        files, read = settings_of["files"], settings_of["read"]
        glob, by_path = files["glob"], files["date_from"] == "path"
        pattern = re.compile(files["date_pattern"]) if by_path else None
    except KeyError as error:
        raise IngestError(f"source {source}: source.toml lacks {error}; see docs/sources.md") from None
    privacy.places(settings_of)
    groups: dict[str, list[Packed]] = defaultdict(list)
    for packed in _found(input, glob):
        if label := _label(packed.place, pattern, days):
            groups[label].append(packed)
    if not groups:
        raise IngestError(f"no file of {source} ({glob}) for {days[0]}..{days[-1]} under {input}: check --input, --from and --to")
    for label, group in groups.items():
        _hold_names_apart(group)
        began = time.monotonic()
        partition = lake.landing(settings().lake_dir, source_name(source), shop_id, label)
        with lake.landing_alone(partition, run_id) as folder:
            landed = [_copy(packed, folder) for packed in group]
            erased = without_erased(landed, source, shop_id)
            entries = [lake.describe(partition, target, count_rows(target, read)) for target in landed]
            details = {
                "source": source_name(source),
                "input": [packed.place.name for packed in group],
                "erased": erased,
                "seconds": _since(began),
                **({"layout": privacy.layout(settings_of)} if "/" in source else {}),
            }
            _publish(partition, run_id, entries, details)
    return sum(len(group) for group in groups.values())


def without_erased(paths: list[Path], source: str, shop_id: str) -> int:
    """Take erased people out of files that have just landed; returns the rows changed. Call within ``lake.landing_alone``.

    Raises:
        SuppressionError: the list of erased people is damaged.
    """
    suppression = Suppression(settings())
    if not suppression.refresh():
        return 0
    table = tomllib.loads((source_folder(source) / "source.toml").read_text(encoding="utf-8"))
    change, quotes, changed = privacy.anonymous(table, shop_id, suppression), privacy.quotes_erased(shop_id, suppression), 0
    for path in paths if privacy.places(table) else ():
        aside = path.with_name(f".{path.name}.rewritten")
        if rows := privacy.rewrite(path, aside, table, change, quotes):
            aside.replace(path)
            changed += rows
    return changed


def _label(path: Path, pattern: re.Pattern[str] | None, days: list[date]) -> str | None:
    """The landing partition's date of ``path``; None where its day is outside the range."""
    if pattern is None:
        return range_label(days)
    match = pattern.search(path.as_posix())
    if match is None:
        raise IngestError(f"{path}: no date by the pattern {pattern.pattern!r} in its path; correct date_pattern or rename the file")
    try:
        day = date.fromisoformat(match[1])
    except ValueError:
        raise IngestError(f"{path}: {match[1]!r} is no date YYYY-MM-DD; correct date_pattern or rename the file") from None
    return day.isoformat() if days[0] <= day <= days[-1] else None


@dataclass(frozen=True)
class Packed:
    """One raw file: on its own, gzipped, or the ``member`` of a zip archive."""

    path: Path
    member: str = ""

    @property
    def place(self) -> Path:
        """Its path, of a member that within its archive, too: what a date is read from."""
        return self.path / self.member if self.member else self.path.with_suffix("") if self.path.suffix == ".gz" else self.path

    def open(self) -> IO[bytes]:
        if self.member:
            return zipfile.ZipFile(self.path).open(self.member)
        return gzip.open(self.path) if self.path.suffix == ".gz" else self.path.open("rb")


def _found(input: Path, glob: str) -> Iterable[Packed]:
    """The raw files of ``input`` whose name matches ``glob``, by path, packed ones by the name within."""
    for path in [input] if input.is_file() else sorted(path for path in input.rglob("*") if path.is_file()):
        if path.suffix == ".zip":
            try:
                names = [info.filename for info in zipfile.ZipFile(path).infolist() if not info.is_dir()]
            except zipfile.BadZipFile as error:
                raise IngestError(f"{path} cannot be unpacked ({error}): copy it again") from None
            yield from (Packed(path, name) for name in sorted(names) if Path(name).match(glob))
        elif Packed(path).place.match(glob) or path == input:
            yield Packed(path)


def _hold_names_apart(group: list[Packed]) -> None:
    """Two files of one name would land as one."""
    names = [packed.place.name for packed in group]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise IngestError(f"several files named {', '.join(twice)} for one landing partition: give each its own name")


def _copy(packed: Packed, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / packed.place.name
    try:
        with packed.open() as data, target.open("wb") as copy:
            shutil.copyfileobj(data, copy)
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        raise IngestError(f"{packed.place} cannot be read ({error}): copy it again, without a password") from None
    return target


def count_rows(path: Path, read: dict[str, Any]) -> int:
    """Data rows of the file at ``path``, counted without Spark: lines, or CSV records where quotes may hold line breaks."""
    if read["format"] == "csv" and read.get("multiline"):
        with path.open(encoding=read.get("encoding", "utf-8"), newline="") as stream:
            rows = sum(1 for record in csv.reader(stream, delimiter=read.get("separator", ",")) if record)
    else:
        with path.open("rb") as stream:
            rows = sum(1 for line in stream if line.strip())
    return rows - 1 if read["format"] == "csv" and read.get("header", True) and rows else rows


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _publish(partition: Path, run_id: str, files: list[lake.LakeFile], details: dict[str, Any]) -> None:
    lake.publish(partition, lake.Manifest(run_id, datetime.now(UTC).isoformat(), files, details))
    lake.sweep(partition)
