"""What is kept how long: each rule names what it removes, by the settings ``keep_*``; nothing goes that a job may be using.

Ages count from publication, not from the shop-day: a year-old file loaded today is new.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg

from ecommerce import lake
from ecommerce.config import Settings
from ecommerce.errors import PlatformError

FACTS = ("fct_order_line", "fct_order", "fct_session", "fct_visitor", "fct_cart_line")
AIRFLOW_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


class RetentionError(PlatformError):
    """Something could not be removed; the message says what."""


@dataclass(frozen=True)
class Removal:
    """What a rule removed, or would remove: ``count`` of ``unit`` older than ``days``, ``bytes`` of files."""

    rule: str
    days: int
    count: int
    unit: str
    bytes: int = 0
    note: str = ""


def run(settings: Settings, apply: bool, rules: tuple[str, ...] = ()) -> Iterator[Removal]:
    """Every rule (or those named), in order; without ``apply`` nothing is removed.

    Raises:
        RetentionError: a rule is unknown, or Airflow's own clean-up failed.
        psycopg.Error, OSError: the warehouse or the disk does not let it.
    """
    if unknown := set(rules) - set(RULES):
        raise RetentionError(f"there is no rule {sorted(unknown)[0]}; the rules are {', '.join(RULES)}")
    for name, (setting, rule) in RULES.items():
        if rules and name not in rules:
            continue
        days = getattr(settings, setting)
        if days <= 0:
            yield Removal(name, 0, 0, "kept for ever")
            continue
        yield rule(settings, name, days, apply)


def _layer(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    """Partitions of a layer of the lake: first the manifest goes, so that nobody opens what is being removed."""
    cutoff, count, size = _cutoff(days), 0, 0
    for path in sorted((settings.lake_dir / name).rglob(lake.MANIFEST)):
        if (manifest := _older(path.parent, cutoff)) is None:
            continue
        count, size = count + 1, size + sum(file.size for file in manifest.files)
        if apply:
            _remove_partition(path.parent, cutoff)
    return Removal(name, days, count, "partitions", size)


def _older(partition: Path, cutoff: datetime) -> lake.Manifest | None:
    manifest = lake.read_manifest(partition)
    return manifest if manifest is not None and datetime.fromisoformat(manifest.created_at) < cutoff else None


def _remove_partition(partition: Path, cutoff: datetime) -> None:
    with lake.exclusive(partition):
        if _older(partition, cutoff):  # it may have been landed anew meanwhile
            (partition / lake.MANIFEST).unlink()
            shutil.rmtree(partition)


def _quarantine(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    found = _layer(settings, name, days, apply)
    rows = _delete(settings, "warehouse.quarantine WHERE quarantined_at < %(cutoff)s", days, apply)
    return Removal(name, days, rows, "rows", found.bytes, f"and {found.count} partitions of the lake")


def _facts(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    """Facts of shop-days whose newest publication is that old.

    Marts of those days stay; what is computed from a shop's whole history (customers, cohorts, pairs) forgets them at the next run.
    """
    old = """
        (shop_id, date) IN (SELECT shop_id, date FROM warehouse.etl_run_day GROUP BY shop_id, date
                            HAVING max(published_at) < %(cutoff)s)"""
    rows = sum(_delete(settings, f"warehouse.{table} WHERE {old}", days, apply) for table in FACTS)
    return Removal(name, days, rows, "rows", note="marts of their days stay")


def _runs(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    """Check results, and runs that published no day."""
    rows = _delete(settings, "warehouse.quality_result WHERE checked_at < %(cutoff)s", days, apply)
    unused = """warehouse.etl_run r WHERE started_at < %(cutoff)s AND status <> 'running'
                AND NOT EXISTS (SELECT FROM warehouse.etl_run_day d WHERE d.run_id = r.run_id)"""
    return Removal(name, days, rows + _delete(settings, unused, days, apply), "rows")


def _delete(settings: Settings, what: str, days: int, apply: bool) -> int:
    verb = "DELETE FROM" if apply else "SELECT count(*) FROM"
    with psycopg.connect(settings.postgres_dsn("loader"), connect_timeout=10) as connection:
        cursor = connection.execute(f"{verb} {what}", {"cutoff": _cutoff(days)})
        return cursor.rowcount if apply else cursor.fetchone()[0]


def _logs(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    folders = (settings.var_dir / "logs", settings.var_dir / "airflow" / "logs")
    return _files(name, days, (path for folder in folders for path in folder.rglob("*") if path.is_file()), apply)


def _files(name: str, days: int, paths: Iterator[Path], apply: bool) -> Removal:
    cutoff, count, size = _cutoff(days).timestamp(), 0, 0
    for path in paths:
        status = path.stat()
        if status.st_mtime < cutoff:
            count, size = count + 1, size + status.st_size
            if apply:
                path.unlink()
    return Removal(name, days, count, "files", size)


def _scratch(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    """Work folders of Sparks that are gone, older than every Java that runs; of the lake, what killed runs left and old versions."""
    cutoff, count, size = min([_cutoff(days).timestamp(), *_java_starts()]), 0, 0
    folders = [*(settings.var_dir / "spark" / "scratch").glob("*"), *(settings.lake_dir / "scratch").glob("shop=*")]
    for folder in folders:
        if _is_old(folder, cutoff):
            count, size = count + 1, size + _size(folder)
            if apply:
                shutil.rmtree(folder)
    for partition in (one for layer in lake.LAYERS for one in lake.partitions(settings.lake_dir, layer)):
        old = [folder for folder in lake.unnamed(partition) if _is_old(folder, cutoff)]
        count, size = count + len(old), size + sum(map(_size, old))
        if apply and old:
            _remove_unnamed(partition, cutoff)
    return Removal(name, days, count, "folders", size)


def _remove_unnamed(partition: Path, cutoff: float) -> None:
    with lake.exclusive(partition):
        for folder in lake.unnamed(partition):
            if _is_old(folder, cutoff):
                shutil.rmtree(folder)


def _is_old(folder: Path, cutoff: float) -> bool:
    return folder.is_dir() and folder.stat().st_ctime < cutoff


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _java_starts() -> list[float]:
    return [process.info["create_time"] for process in psutil.process_iter(["name", "create_time"]) if process.info["name"] == "java"]


def _airflow(settings: Settings, name: str, days: int, apply: bool) -> Removal:
    """Airflow's own ``db clean``; it always keeps the newest run of each DAG."""
    command = ["db", "clean", "--clean-before-timestamp", _cutoff(days).isoformat(), "--skip-archive", "--error-on-cleanup-failure"]
    from ecommerce.local import airflow

    environment = airflow_environment(settings)
    if AIRFLOW_DATABASE not in environment and f"{AIRFLOW_DATABASE}_CMD" not in environment:
        return Removal(name, days, 0, "rows", note="no Airflow here")
    found = subprocess.run(
        airflow.command(*command, "--yes" if apply else "--dry-run"), env=environment, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise RetentionError(f"airflow db clean failed: {(found.stderr.strip() or found.stdout.strip() or 'no output').splitlines()[-1]}")
    rows = [line.split() for line in found.stdout.splitlines() if line.startswith("Found ") and " rows meeting deletion criteria" in line]
    return Removal(name, days, sum(int(words[1]) for words in rows), "rows", note="metadata of past runs")


def airflow_environment(settings: Settings) -> dict[str, str]:
    """The environment in which ``airflow`` reaches its database; a task's own has that taken out."""
    from ecommerce.local import airflow

    inherited = {key: value for key, value in os.environ.items() if not value.startswith("airflow-db-not-allowed")}
    if f"{AIRFLOW_DATABASE}_CMD" in inherited:
        return inherited
    return {**inherited, **airflow.environment(settings)} if (settings.var_dir / "airflow" / "migrated").exists() else inherited


def _cutoff(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


Rule = Callable[[Settings, str, int, bool], Removal]
RULES: dict[str, tuple[str, Rule]] = {
    "landing": ("keep_landing_days", _layer),
    "events": ("keep_events_days", _layer),
    "quarantine": ("keep_quarantine_days", _quarantine),
    "facts": ("keep_facts_days", _facts),
    "runs": ("keep_runs_days", _runs),
    "logs": ("keep_logs_days", _logs),
    "scratch": ("keep_scratch_days", _scratch),
    "airflow": ("keep_airflow_days", _airflow),
}
