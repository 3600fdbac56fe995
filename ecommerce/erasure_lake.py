"""The lake's part of an erasure: events, rows held back and raw files, rewritten; old files go at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecommerce import lake, privacy, suppressed_rows
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.erasure_terms import ERASED, Person, Step, word
from ecommerce.suppression import CLIENT, CUSTOMER, Suppression


def _partitions(settings: Settings, layer: str, person: Person) -> list[Path]:
    """Those that are not published yet, too: their first landing may be going on, and is waited for."""
    return lake.partitions(settings.lake_dir, layer, person.shop_id)


def find(settings: Settings, suppression: Suppression, person: Person) -> None:
    """Add the clients, events and orders that the lake's events know; a client that serves other customers is not the person's.

    Raises:
        SuppressionError: the list of erased people is damaged.
        lake.LakeError: a partition is.
    """
    mine: set[str] = set()
    others: set[str] = set()
    again = suppression.refresh(now=True) and suppression.names(person.shop_id, CUSTOMER, person.customer)
    for partition in _partitions(settings, "events", person):
        for path in lake.files(partition):
            table = pq.ParquetFile(path).read(columns=["user_id", "client_id", "event_id", "transaction_id"])
            hit = pc.fill_null(pc.equal(table["user_id"], person.customer), False)
            named = pc.and_(pc.invert(hit), pc.is_valid(table["user_id"]))
            rows = table.filter(hit)
            mine |= set(pc.unique(rows["client_id"]).to_pylist()) - {None}
            if again:  # the rows that said whose client it is may be erased already
                mine |= _listed(table.filter(pc.is_null(table["user_id"])), suppression, person.shop_id)
            others |= set(pc.unique(table.filter(named)["client_id"]).to_pylist()) - {None}
            _take_ids(rows, person)
    person.clients |= mine - others
    for partition in _partitions(settings, "events", person) if person.clients else ():
        for path in lake.files(partition):
            table = pq.ParquetFile(path).read(columns=["user_id", "client_id", "event_id", "transaction_id"])
            _take_ids(table.filter(_mask(table, person)), person)


def _listed(rows: pa.Table, suppression: Suppression, shop_id: str) -> set[str]:
    return {one for one in pc.unique(rows["client_id"]).to_pylist() if one and suppression.names(shop_id, CLIENT, one)}


def _take_ids(rows: pa.Table, person: Person) -> None:
    person.events |= set(pc.unique(rows["event_id"]).to_pylist())
    person.transactions |= set(pc.unique(rows["transaction_id"]).to_pylist()) - {None}


def _mask(table: pa.Table, person: Person) -> Any:
    of_customer = pc.fill_null(pc.equal(table["user_id"], person.customer), False)
    of_client = pc.and_(pc.is_null(table["user_id"]), pc.is_in(table["client_id"], pa.array(sorted(person.clients), pa.string())))
    return pc.or_(of_customer, of_client)


def _replace(
    partition: Path,
    rewrite: Callable[[Path, Path], int],
    note: Callable[[dict[str, Any], int], dict[str, Any]] = lambda details, _: details,
) -> int:
    """``rewrite(old, new)`` every file; those that it changed take the old ones' places, and everything not named goes at once.

    ``note`` gives the manifest's details anew from the old ones and the number of rows changed.
    """
    with lake.exclusive(partition):
        manifest = lake.read_manifest(partition)
        if manifest is None:
            return 0
        entries, changed = [], 0
        for entry in manifest.files:
            old = partition / entry.path
            folder, _, name = entry.path.partition("/")
            new = partition / f"{folder.partition('~')[0]}~{manifest.created_at[:10]}-{entry.sha256[:8]}" / name
            rows = rewrite(old, new)
            entries.append(lake.describe(partition, new, entry.rows) if rows else entry)
            changed += rows
        details = note(manifest.details, changed)
        if changed or details != manifest.details:
            lake.publish(partition, lake.Manifest(manifest.run_id, manifest.created_at, entries, details))
            for entry in set(manifest.files) - set(entries):
                (partition / entry.path).unlink()
        lake.sweep(partition, timedelta(0))
    return changed


def _erase_events(settings: Settings, suppression: Suppression, person: Person) -> int:
    def rewrite(old: Path, new: Path) -> int:
        ids = pq.ParquetFile(old).read(columns=["user_id", "client_id"])
        if not (found := pc.sum(_mask(ids, person)).as_py()):
            return 0
        table = pq.ParquetFile(old).read()
        new.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(suppressed_rows.anonymous(table, _mask(table, person), suppression, person.shop_id), new, compression="zstd")
        return found

    return sum(_replace(partition, rewrite) for partition in _partitions(settings, "events", person))


def _look_events(settings: Settings, person: Person) -> tuple[int, int]:
    looked = left = 0
    for partition in _partitions(settings, "events", person):
        with lake.exclusive(partition):  # a file that the archiver is writing cannot be read
            for path in sorted(partition.rglob("*.parquet")):
                ids = pq.ParquetFile(path).read(columns=["user_id", "client_id"])
                looked, left = looked + 1, left + (pc.sum(_mask(ids, person)).as_py() or 0)
    return looked, left


def _erase_quarantine(settings: Settings, suppression: Suppression, person: Person) -> int:
    patterns = [word(person.customer), *map(word, sorted(person.clients))]

    def rewrite(old: Path, new: Path) -> int:
        table = pq.ParquetFile(old).read()
        texts = table["raw"].to_pylist()
        kept = [ERASED if text and any(pattern.search(text) for pattern in patterns) else text for text in texts]
        if not (found := sum(a != b for a, b in zip(texts, kept, strict=True))):
            return 0
        new.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.set_column(table.schema.get_field_index("raw"), "raw", pa.array(kept, pa.string())), new, compression="zstd")
        return found

    return sum(_replace(partition, rewrite) for partition in _partitions(settings, "quarantine", person))


def _look_quarantine(settings: Settings, person: Person) -> tuple[int, int]:
    patterns, looked, left = [word(person.customer), *map(word, sorted(person.clients))], 0, 0
    for partition in _partitions(settings, "quarantine", person):
        for path in sorted(partition.rglob("*.parquet")):
            texts = pq.ParquetFile(path).read(columns=["raw"])["raw"].to_pylist()
            looked, left = looked + 1, left + sum(any(p.search(text or "") for p in patterns) for text in texts)
    return looked, left


def _source(partition: Path) -> dict[str, Any]:
    """The source.toml of a landing partition's source, of one that is not the platform's what the landing kept of it."""
    path = PROJECT_DIR / "spark" / "sources" / partition.parts[-3] / "source.toml"
    manifest = lake.read_manifest(partition)
    if manifest is not None and (kept := manifest.details.get("layout")):
        return kept
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _erase_landing(settings: Settings, suppression: Suppression, person: Person) -> int:
    removed, quotes, note = 0, privacy.quotes(person), _noting(word(person.customer))
    for partition in _partitions(settings, "landing", person):
        with lake.exclusive(partition):  # a first landing that is going on brings the source's [privacy]
            source = _source(partition)
        if privacy.places(source):
            change = privacy.anonymous(source, person.shop_id, suppression)
            removed += _replace(partition, lambda old, new, s=source, c=change: privacy.rewrite(old, new, s, c, quotes), note)
    return removed


def _noting(pattern: re.Pattern[str]) -> Callable[[dict[str, Any], int], dict[str, Any]]:
    """Keep in the manifest how many rows are erased, and take the person out of what it says of repairs."""

    def note(details: dict[str, Any], found: int) -> dict[str, Any]:
        repairs = privacy.without(details.get("repairs", []), pattern.search)
        erased = {"erased": details.get("erased", 0) + found} if found else {}
        return details | erased | ({"repairs": repairs} if repairs else {})

    return note


def _look_landing(settings: Settings, person: Person) -> tuple[int, int]:
    looked = left = 0
    for partition in _partitions(settings, "landing", person):
        if not privacy.places(source := _source(partition)):
            continue
        for path in lake.files(partition):
            looked, left = looked + 1, left + privacy.left(path, source, person)
    return looked, left


def not_searchable(settings: Settings, person: Person) -> list[str]:
    """Raw files that hold the id, of sources that do not say which column holds ids."""
    pattern, found = re.compile(word(person.customer).pattern.encode()), []
    for partition in _partitions(settings, "landing", person):
        if not privacy.places(_source(partition)):
            found += [str(path.relative_to(settings.lake_dir)) for path in lake.files(partition) if pattern.search(path.read_bytes())]
    return found


EVENTS = Step("lake: events", "files", _erase_events, _look_events)
STEPS = (
    Step("lake: rows held back", "files", _erase_quarantine, _look_quarantine),
    Step("lake: raw files", "files", _erase_landing, _look_landing),
)
