"""The whole platform on this machine in a folder, and back: warehouse, Airflow's tables, lake, live state, secrets.

Kafka's log is not in it: its events are in the lake. A restored live state keeps its numbers and seen ids and counts a
new log from its beginning.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import redis

from ecommerce import __version__, lake, stamp
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.local import postgres, redis_server, secret_files, servers, supervision

INDEX = "backup.json"
SAVE_SECONDS = 600
STATE = ("first_start",)


class BackupError(PlatformError):
    """A backup cannot be made or restored; the message says why and what to do."""


class Index(msgspec.Struct, frozen=True):
    """What a backup holds: its files (path below it to SHA-256), the version and format of what it was made from."""

    version: str
    format: int
    created_at: datetime
    databases: list[str]
    files: dict[str, str]


Say = Callable[[str], None]


def backup(settings: Settings, folder: Path, say: Say) -> Index:
    """Write a backup into the new or empty ``folder``, then its owner's alone, while the platform runs; each store is a whole of one moment.

    Raises:
        BackupError: the folder is not empty or not one's own, or a store does not let itself be read.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: name a new folder")
    _private(folder)
    databases = [name for name in (settings.postgres_database, "airflow") if _exists(settings, name)]
    for name in databases:
        say(f"PostgreSQL: {name}")
        _run(settings, "pg_dump", "--format=custom", f"--file={folder / name}.dump", f"--dbname={name}")
    say("Redis")
    _save_redis(settings, folder / "redis.rdb")
    say("lake")
    _copy_lake(settings.lake_dir, folder / "lake")
    say("secrets")
    _copy_private(settings.secrets_dir, folder / "secrets")
    for name in STATE:
        if (settings.var_dir / name).exists():
            shutil.copy2(settings.var_dir / name, folder / name)
    files = {path.relative_to(folder).as_posix(): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    index = Index(__version__, stamp.FORMAT, datetime.now(UTC), databases, files)
    (folder / INDEX).write_bytes(msgspec.json.format(msgspec.json.encode(index), indent=1))
    return index


def _private(folder: Path) -> None:
    """Make the folder, or take one that is there, and let no one else into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        folder.chmod(0o700)
    except OSError as error:
        raise BackupError(f"{folder} cannot be closed to others ({error.strerror}): name a folder of your own") from None


def restore(settings: Settings, folder: Path, say: Say) -> Index:
    """Bring the backup in ``folder`` into an empty platform that does not run; `make up` then starts it and migrates its tables.

    Raises:
        BackupError: the platform runs or has data, or the backup is damaged or of a newer version.
    """
    index = _checked(folder)
    _refuse_data(settings)
    settings.var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    say("secrets")
    _copy_private(folder / "secrets", settings.secrets_dir)
    secret_files.make(settings.secrets_dir)
    for name in STATE:
        if (folder / name).exists():
            shutil.copy2(folder / name, settings.var_dir / name)
    with servers.running(settings, "postgres"):
        for name in index.databases:
            say(f"PostgreSQL: {name}")
            _run(settings, "pg_restore", "--exit-on-error", f"--dbname={name}", str(folder / f"{name}.dump"))
    say("Redis")
    _load_redis(settings, folder / "redis.rdb")
    say("lake")
    shutil.copytree(folder / "lake", settings.lake_dir, dirs_exist_ok=True)
    for path in stamp.paths(settings):
        stamp.write(path)
    return index


def _checked(folder: Path) -> Index:
    try:
        index = msgspec.json.decode((folder / INDEX).read_bytes(), type=Index)
    except FileNotFoundError:
        raise BackupError(f"{folder} holds no backup ({INDEX} is missing): it was not finished, or is another folder") from None
    except msgspec.DecodeError as error:
        raise BackupError(f"{folder / INDEX} is damaged: {error}") from None
    stamp.check(stamp.Stamp(index.format, index.version, index.created_at), str(folder))
    for name, digest in index.files.items():
        path = folder / name
        if not path.is_file() or _digest(path) != digest:
            raise BackupError(f"{path} is absent or not as it was written: take another backup; nothing was restored")
    return index


def _refuse_data(settings: Settings) -> None:
    if supervision.alive(settings):
        raise BackupError("the platform runs: `make down` first")
    lake_files = settings.lake_dir.is_dir() and any(path.name != "stamp.json" for path in settings.lake_dir.iterdir())
    if (settings.var_dir / "postgres").exists() or (settings.var_dir / "redis").exists() or lake_files:
        raise BackupError(f"{settings.var_dir} or {settings.lake_dir} holds data: a backup goes into an empty platform; `make reset` first")


def _run(settings: Settings, program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, as the administrator."""
    place = ["--host", settings.postgres_host, "--port", str(settings.postgres_port), "--username", "postgres", "--no-password"]
    environment = {**os.environ, "PGPASSWORD": settings.secret("postgres_admin_password")}
    command = [str(postgres.programs(settings) / program), *place, *arguments]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if found.returncode:
        raise BackupError(f"{program} failed: {(found.stderr.strip() or 'no output').splitlines()[-1]}")


def _exists(settings: Settings, database: str) -> bool:
    import psycopg

    options = {"host": settings.postgres_host, "port": settings.postgres_port, "user": "postgres", "dbname": "postgres"}
    with psycopg.connect(**options, password=settings.secret("postgres_admin_password"), connect_timeout=10) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is not None


def _save_redis(settings: Settings, target: Path) -> None:
    """A snapshot of one moment, taken by Redis itself."""
    with redis.Redis(**settings.redis_options, socket_timeout=60) as client:
        before = client.lastsave()
        while client.lastsave() == before and datetime.now(UTC).timestamp() - before.timestamp() < 1:
            time.sleep(0.1)  # its clock has whole seconds: the next save must be later than the last
        client.bgsave()
        deadline = time.monotonic() + SAVE_SECONDS
        while (state := client.info("persistence"))["rdb_bgsave_in_progress"]:
            if time.monotonic() > deadline:
                raise BackupError(f"Redis has not saved within {SAVE_SECONDS} s: see `make logs redis`")
            time.sleep(0.1)
        if state["rdb_last_bgsave_status"] != "ok":
            raise BackupError("Redis could not save: see `make logs redis`")
        source = Path(client.config_get("dir")["dir"]) / client.config_get("dbfilename")["dbfilename"]
    shutil.copyfile(source, target)
    source.unlink()


def _load_redis(settings: Settings, source: Path) -> None:
    """Start Redis on the snapshot without its append-only file, then let it write that; its log's identity goes."""
    server = redis_server.server(settings)
    server.prepare()
    shutil.copyfile(source, server.cwd / "dump.rdb")
    with _started([*server.command, "--appendonly", "no"], server.cwd, settings) as client:
        header = client.hgetall("live:header")
        generation = header.get(b"generation", b"").decode()
        claimed = [name for name in header if name.startswith(b"claimed:")]
        client.hdel("live:header", "cluster_id", "topic", "topic_id", *claimed)
        for key in client.scan_iter(match=f"live:{generation}:partition:*") if generation else ():
            client.unlink(key)
        client.config_set("appendonly", "yes")
        while (state := client.info("persistence"))["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
            time.sleep(0.1)
    (server.cwd / "dump.rdb").unlink(missing_ok=True)


@contextmanager
def _started(command: list[str], cwd: Path, settings: Settings) -> Iterator[redis.Redis]:
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL) as process, redis.Redis(**settings.redis_options) as client:
        deadline = time.monotonic() + 60
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BackupError(f"Redis does not start on the backup: {error}") from None
                time.sleep(0.1)
        try:
            yield client
        finally:
            client.shutdown()
            process.wait(60)


def _copy_lake(source: Path, target: Path) -> None:
    """What the manifests name, each partition as one of its versions, and the list of erased people."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("suppressed.json",):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    for path in sorted(source.rglob(lake.MANIFEST)):
        partition, copy = path.parent, target / path.parent.relative_to(source)
        with lake.exclusive(partition):
            manifest = lake.read_manifest(partition)
            for file in lake.files(partition):
                (copy / file.relative_to(partition)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy / file.relative_to(partition))
            key = partition / manifest.run_id / "expected.json" if manifest else None
            if key and key.is_file():
                shutil.copyfile(key, copy / key.relative_to(partition))
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / lake.MANIFEST)


def _copy_private(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            secret_files.write(target / path.name, path.read_text(encoding="utf-8"))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
