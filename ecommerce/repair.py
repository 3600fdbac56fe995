"""Raw rows put right in the landing layer: a new version of their file, the line replaced, what it was kept in the manifest."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecommerce import held_back, ingest, lake, privacy
from ecommerce.batch_run import Run
from ecommerce.config import settings
from ecommerce.errors import PlatformError
from ecommerce.privacy import numbered
from ecommerce.suppression import Suppression


class RepairError(PlatformError):
    """The repair does not fit the rows held back; the message names file, line and column."""


def apply(run: Run) -> int:
    """Put right what ``run.repair`` says, in the landing partitions that the run reads.

    ``repair`` is a JSON object: ``fix`` maps a column of the raw rows (``items.0.price`` within JSON) to its value, for every
    row held back for ``reason`` (empty: for any); ``rows`` are objects with ``file``, ``line`` and either ``raw``, the
    whole text, or columns and their values.

    Returns:
        The number of rows put right; 0 where the repair is a changed staging.sql alone.

    Raises:
        RepairError: a row is not one that is held back, or a column is not in it.
    """
    wanted = json.loads(run.repair)
    rows = {(row["file"], int(row["line"])): row for row in map(_addressed, wanted.get("rows", []))}
    held = held_back.of_days(settings(), run.shop_id, run.days, ingest.source_name(run.source), role="loader")
    if unknown := sorted(set(rows) - {(one.file, one.line) for one in held}):
        raise RepairError(f"{unknown[0][0]} line {unknown[0][1]} is not held back: `ecommerce quarantine show --shop {run.shop_id}`")
    changes: dict[tuple[str, int], dict[str, Any]] = dict(rows)
    if fix := wanted.get("fix"):
        for one in held:
            if not wanted.get("reason") or one.reason == wanted["reason"]:
                changes.setdefault((one.file, one.line), dict(fix))
    read = tomllib.loads((ingest.source_folder(run.source) / "source.toml").read_text(encoding="utf-8"))
    return sum(_rewrite(partition, run, read, changes) for partition in _partitions(run)) if changes else 0


def _addressed(row: dict[str, Any]) -> dict[str, Any]:
    if not {"file", "line"} <= set(row):
        raise RepairError("each repaired row needs `file` and `line`, as `ecommerce quarantine show` prints them")
    return row


def _partitions(run: Run) -> Iterator[Path]:
    name = ingest.source_name(run.source)
    labels = [day.isoformat() for day in run.days] if ingest.dated_by_path(run.source) else [ingest.range_label(run.days)]
    for label in labels:
        partition = lake.landing(settings().lake_dir, name, run.shop_id, label)
        if lake.read_manifest(partition):
            yield partition


def _rewrite(partition: Path, run: Run, source: dict[str, Any], changes: dict[tuple[str, int], dict[str, Any]]) -> int:
    with lake.landing_alone(partition, run.run_id) as folder:
        manifest = lake.read_manifest(partition)
        assert manifest is not None
        targets, repairs = {}, []
        for entry in manifest.files:
            name = entry.path.partition("/")[2]
            if lines := {line: change for (file, line), change in changes.items() if file == name}:
                target = targets[entry] = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                repairs += _rewrite_file(partition / entry.path, target, source, lines)
        if repairs:
            erased = ingest.without_erased(list(targets.values()), run.source, run.shop_id)
            read = source["read"]
            new = {entry: lake.describe(partition, target, ingest.count_rows(target, read)) for entry, target in targets.items()}
            _publish(partition, run, manifest, [new.get(entry, entry) for entry in manifest.files], repairs, erased)
        return len(repairs)


def _publish(
    partition: Path, run: Run, manifest: lake.Manifest, entries: list[lake.LakeFile], repairs: list[dict[str, Any]], erased: int
) -> None:
    if (key := partition / manifest.run_id / ingest.ANSWER_KEY).is_file():
        (partition / run.run_id).mkdir(exist_ok=True)
        shutil.copyfile(key, partition / run.run_id / ingest.ANSWER_KEY)
    noted = [*manifest.details.get("repairs", []), *_without_erased(repairs, run.shop_id)]
    details = {**manifest.details, "seconds": 0, "repairs": noted, "erased": manifest.details.get("erased", 0) + erased}
    lake.publish(partition, lake.Manifest(run.run_id, datetime.now(UTC).isoformat(), entries, details))
    lake.sweep(partition)


def _without_erased(repairs: list[dict[str, Any]], shop_id: str) -> list[dict[str, Any]]:
    """``repairs`` as the manifest may keep them: without the texts of people who were erased."""
    if (suppression := Suppression(settings()).of_now()) is None:
        return repairs
    return privacy.without(repairs, privacy.quotes_erased(shop_id, suppression))


def _rewrite_file(path: Path, target: Path, source: dict[str, Any], lines: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Write ``path`` with ``lines`` (by number) put right to ``target``; returns what each was and is."""
    read, done = source["read"], []
    encoding, header = read.get("encoding", "utf-8"), None
    with path.open("rb") as old, target.open("wb") as new:
        for number, raw in numbered(old, bool(read.get("multiline"))):
            body = raw.rstrip(b"\r\n")
            if number == 1 and read["format"] == "csv" and read.get("header", True):
                header = next(csv.reader([body.decode(encoding)], delimiter=read.get("separator", ",")))
            if number in lines:
                was = body.decode(encoding, "backslashreplace")
                now = repaired(was, lines[number], source, header, f"{path.name} line {number}")
                done.append({"file": path.name, "line": number, "was": was, "now": now})
                raw = now.encode(encoding) + raw[len(body) :]
            new.write(raw)
    return done


def repaired(raw: str, change: dict[str, Any], source: dict[str, Any], header: list[str] | None, place: str) -> str:
    """The row's text after ``change``.

    Raises:
        RepairError: the row cannot be read, or lacks the column.
    """
    if "raw" in change:
        return str(change["raw"])
    values = {name: value for name, value in change.items() if name not in ("file", "line")}
    if source["read"]["format"] == "json":
        return _repaired_json(raw, values, place)
    separator = source["read"].get("separator", ",")
    names = [name.strip().removeprefix("\ufeff") for name in header or source["columns"]]
    row = next(csv.reader([raw], delimiter=separator), [])
    if len(row) != len(names):
        raise RepairError(f"{place} has {len(row)} values for {len(names)} columns: give its whole text as `raw` in a file of rows")
    for name, value in values.items():
        if name not in names:
            raise RepairError(f"{place} has no column {name}: the columns are {', '.join(names)}")
        row[names.index(name)] = str(value)
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="").writerow(row)
    return out.getvalue()


def _repaired_json(raw: str, values: dict[str, Any], place: str) -> str:
    try:
        row = json.loads(raw)
        for name, value in values.items():
            *path, last = (int(part) if part.isdigit() else part for part in name.split("."))
            target = row
            for part in path:
                target = target[part]
            target[last] = value
    except json.JSONDecodeError:
        raise RepairError(f"{place} is no JSON: give its whole text as `raw` in a file of rows") from None
    except (KeyError, IndexError, TypeError):
        raise RepairError(f"{place} has no {name}") from None
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Repaired rows of a file: a JSON list, JSON lines, or CSV with a header.

    Raises:
        RepairError: it is none of these.
    """
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    try:
        return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        raise RepairError(f"{path} is no JSON list, JSON lines or .csv: {error}") from None
