"""The data lake's folders and their atomic publication.

A partition is a folder ``<layer>/<source>/shop=<id>/date=<...>``. Its files lie in sub-folders
named by run id or offset range; the partition is what ``_manifest.json`` names, nothing else.
Publication is the atomic rename of a new manifest over the old one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import msgspec

from ecommerce.errors import PlatformError

MANIFEST = "_manifest.json"
LOCK = ".lock"
LAYERS = ("landing", "events", "quarantine")


class LakeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published file: path relative to the partition's folder, rows, SHA-256 in hex, size in bytes."""

    path: str
    rows: int
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """What a partition holds. ``details`` is free for its writer (offsets, row counts by reason, schema)."""

    run_id: str
    created_at: str
    files: list[LakeFile] = []
    details: dict = {}

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


class LakeError(PlatformError):
    """A partition is damaged: its manifest names a file that is absent or altered."""


def landing(root: Path, source: str, shop_id: str, days: str) -> Path:
    """Folder of raw files as received; ``days`` is YYYY-MM-DD, or YYYY-MM-DD_YYYY-MM-DD for files of several days."""
    return root / "landing" / source / f"shop={shop_id}" / f"date={days}"


def landed_days(path: str) -> tuple[date, date]:
    """First and last day of the partition at ``path``."""
    first, _, last = path.rpartition("date=")[2].partition("_")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def events(root: Path, source: str, shop_id: str, day: date) -> Path:
    """Folder of one shop-day's accepted rows, Parquet in the flattened contract."""
    return root / "events" / f"source={source}" / f"shop={shop_id}" / f"date={day.isoformat()}"


def quarantine(root: Path, source: str, shop_id: str, days: str) -> Path:
    """Folder of rows held back, Parquet: file, line, reason, raw."""
    return root / "quarantine" / f"source={source}" / f"shop={shop_id}" / f"date={days}"


def scratch(root: Path, shop_id: str) -> Path:
    """Folder for what a run of the shop keeps for as long as it lasts; the shop's next run empties it."""
    return root / "scratch" / f"shop={shop_id}"


def read_manifest(partition: Path) -> Manifest | None:
    """The partition's manifest, or None where nothing was published.

    Raises:
        LakeError: the manifest is not readable as one.
    """
    path = partition / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise LakeError(f"{path} is damaged ({error}): restore it, or remove the folder and ingest again") from error


def files(partition: Path) -> list[Path]:
    """Absolute paths of the partition's published files, in the manifest's order.

    Raises:
        LakeError: a named file is absent or has another size.
    """
    manifest = read_manifest(partition)
    paths = []
    for file in manifest.files if manifest else []:
        path = partition / file.path
        if not path.is_file() or path.stat().st_size != file.size:
            raise LakeError(f"{path} is absent or not the file that was published: ingest the day again")
        paths.append(path)
    return paths


def describe(partition: Path, path: Path, rows: int) -> LakeFile:
    """The manifest entry of the file at ``path`` below ``partition``, read and fsynced."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
        os.fsync(stream.fileno())
    return LakeFile(str(path.relative_to(partition)), rows, digest.hexdigest(), path.stat().st_size)


def publish(partition: Path, manifest: Manifest) -> None:
    """Make ``manifest`` the partition's content in one step; its files must be in place."""
    partition.mkdir(parents=True, exist_ok=True)
    for folder in {(partition / file.path).parent for file in manifest.files}:
        _fsync(folder)
    replace(partition / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def replace(path: Path, content: bytes) -> None:
    """Make ``content`` the file at ``path`` in one step that survives a loss of power."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    _fsync(path.parent)


@contextmanager
def exclusive(partition: Path) -> Iterator[None]:
    """Nobody else changes the partition's manifest meanwhile; waits for whoever does. Readers are not held up."""
    descriptor = _locked(partition)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(partition: Path) -> int:
    while True:
        partition.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partition / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_at(descriptor, partition / LOCK):
            return descriptor
        os.close(descriptor)  # the partition was removed while we waited: this lock is nobody else's


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def partitions(root: Path, layer: str, shop_id: str = "*") -> list[Path]:
    """Every folder of a partition in ``layer``, of one shop or of all, published or not, by path."""
    return sorted(path for path in (root / layer).glob(f"*/shop={shop_id}/date=*") if path.is_dir())


def unnamed(partition: Path) -> list[Path]:
    """Sub-folders of ``partition`` that its manifest does not name: old versions, and what killed runs left.

    Raises:
        LakeError: the manifest is damaged.
    """
    manifest = read_manifest(partition)
    named = {manifest.run_id, *(Path(file.path).parts[0] for file in manifest.files)} if manifest else set()
    return [entry for entry in partition.iterdir() if entry.is_dir() and entry.name not in named] if partition.is_dir() else []


def sweep(partition: Path, older_than: timedelta = timedelta(days=1)) -> int:
    """Remove what is ``unnamed`` and that old, so that nobody can still be reading or writing it; returns the number of folders.

    Raises:
        LakeError: the manifest is damaged.
    """
    old = [entry for entry in unnamed(partition) if time.time() - entry.stat().st_mtime >= older_than.total_seconds()]
    for entry in old:
        shutil.rmtree(entry)
    return len(old)


@contextmanager
def landing_alone(partition: Path, run_id: str) -> Iterator[Path]:
    """The folder of a run in ``partition``, while nobody else lands, repairs, erases or sweeps there.

    Who writes rows reads the list of erased people within: either the erasure finds the rows, or they find the erasure.
    Where it fails, what was written goes.
    """
    with exclusive(partition):
        try:
            yield partition / run_id
        except BaseException:
            for folder in unnamed(partition):
                if folder.name == run_id:
                    shutil.rmtree(folder, ignore_errors=True)
            raise


def days(root: Path, source: str, shop_id: str) -> Iterator[date]:
    """Shop-days with published events of ``source``, ascending."""
    folder = root / "events" / f"source={source}" / f"shop={shop_id}"
    for partition in sorted(folder.glob("date=*")) if folder.is_dir() else ():
        if (partition / MANIFEST).is_file():
            yield date.fromisoformat(partition.name.removeprefix("date="))


def _fsync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
