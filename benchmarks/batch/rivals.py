"""The platform's ways and the usual ones, each a function that does the work once and returns seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from benchmarks.batch import world
from ecommerce import archive, lake, warehouse
from ecommerce.config import PROJECT_DIR, Settings, settings
from ecommerce.local import jars, servers, spark

HERE = Path(__file__).parent
JDBC = ("org.postgresql", "postgresql", "42.7.7")
DELETE = "DELETE FROM warehouse.fct_order_line WHERE shop_id = %(shop)s AND date = %(day)s"
SCOPE: dict[str, Any] = {"shop": world.SHOP, "day": world.DAY}
JDBC_SHA256 = "157963d60ae66d607e09466e8c0cdf8087e9cb20d0159899ffca96bca2528460"


def fetched(cache: Path) -> tuple[Path, Path]:
    """The JDBC driver, and the folder of DuckDB's packages; fetched once."""
    jar, packages = cache / f"{JDBC[1]}-{JDBC[2]}.jar", cache / "python"
    cache.mkdir(parents=True, exist_ok=True)
    if not jar.exists():
        with tempfile.TemporaryDirectory() as scratch:
            said = jars.retrieve(settings(), [JDBC], Path(scratch), cache, "master")
        if not jar.exists():
            raise SystemExit(f"cannot fetch {jar.name} from Maven Central: {said[-300:]}")
    if (found := sha256(jar.read_bytes()).hexdigest()) != JDBC_SHA256:
        jar.unlink()
        raise SystemExit(f"{jar.name} is not the pinned file (SHA-256 {found}): do not use it")
    if not packages.exists():
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([str(uv), "pip", "install", "-q", "--target", str(packages), "-r", str(HERE / "requirements.txt")], check=True)
    return jar, packages


def ours_warm(settings: Settings) -> float:
    world.wipe(settings)
    return world.job(settings)


def ours_cold(settings: Settings) -> float:
    """The Connect server's start and the job's first run in it."""
    world.wipe(settings)
    begin = time.perf_counter()
    with servers.running(settings, "spark"):
        world.job(settings)
        return time.perf_counter() - begin


def jdbc(settings: Settings, jar: Path) -> float:
    """The usual way from a cold process: spark-submit on both cores, the JDBC writer."""
    world.wipe(settings)
    job = ["--run-id", "jdbc", "--shop", world.SHOP, "--source", archive.SOURCE, "--from", str(world.DAY), "--to", str(world.DAY)]
    flags = ["--master", "local[2]", "--jars", str(jar), "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4"]
    command = spark.submit_command(settings, settings.spark_driver_memory, *flags, str(HERE / "jdbc_job.py"), *job)
    environment = {**os.environ, **spark.environment()}
    environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT_DIR), str(PROJECT_DIR / "spark" / "jobs")])
    environment.pop("SPARK_REMOTE", None)
    return world.seconds(command, environment)


def duckdb(settings: Settings, packages: Path) -> float:
    """DuckDB from a cold process, its ATTACH of PostgreSQL."""
    world.wipe(settings)
    (extension,) = packages.rglob("postgres_scanner.duckdb_extension")
    partition = lake.events(settings.lake_dir, archive.SOURCE, world.SHOP, world.DAY)
    (folder,) = {path.parent for path in lake.files(partition)}
    command = [sys.executable, str(HERE / "duckdb_job.py"), str(extension), str(folder), str(world.DAY), "2"]
    return world.seconds(command, {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT_DIR), str(packages)])})


class Load:
    """The load step alone: a table of order lines into an unlogged table, from Arrow and from a ready CSV."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings, self.csv = settings, folder / "lines.csv"
        with warehouse.connect() as connection:
            self._schema = warehouse.schema_of(connection, "fct_order_line")
            names = ", ".join(self._schema.names)
            with (
                self.csv.open("wb") as file,
                connection.cursor().copy(f"COPY (SELECT {names}, 0 FROM warehouse.fct_order_line) TO STDOUT (FORMAT csv)") as copy,
            ):
                for block in copy:
                    file.write(block)
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(settings.postgres_dsn("loader")) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {names} FROM warehouse.fct_order_line")
            found = cursor.fetch_arrow_table()
        columns = [_cast(found[name], self._schema.field(name).type) for name in self._schema.names]
        self.table = pa.table(columns, schema=self._schema)

    def _fresh(self, connection: psycopg.Connection, name: str) -> None:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS staging.{}").format(sql.Identifier(name)))
        statement = "CREATE UNLOGGED TABLE staging.{} (LIKE warehouse.fct_order_line, _task bigint NOT NULL)"
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER TABLE staging.{} DROP COLUMN run_id").format(sql.Identifier(name)))

    def ours(self) -> float:
        with warehouse.connect() as connection:
            connection.execute(f"SET work_mem = '{warehouse.WORK_MEMORY}'")
            staging = warehouse.create_staging(connection, "bench", world.SHOP, ["fct_order_line"])
            begin = time.perf_counter()
            warehouse.copy_tables(self._settings.postgres_dsn("loader"), staging, 0, {"fct_order_line": self.table.to_batches(10_000)})
            took = time.perf_counter() - begin
            warehouse.drop_staging(connection, world.SHOP)
            return took

    def bare(self) -> float:
        with warehouse.connect() as connection:
            self._fresh(connection, "bench_load")
            begin = time.perf_counter()
            with self.csv.open("rb") as file, connection.cursor().copy("COPY staging.bench_load FROM STDIN (FORMAT csv)") as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
            return time.perf_counter() - begin


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_decimal(kind) and not pa.types.is_decimal(column.type):
        return column.cast(pa.string()).cast(kind)
    return column.cast(kind)


class Publication:
    """Publishing staged order lines of a day under a reader: the platform's merge, and DELETE and INSERT of them all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def took(self, ours: bool, change: str, published: bool = True) -> tuple[float, float]:
        """Seconds of the transaction, and the longest that a reader waited, seconds.

        ``change``: the condition of the rows that are not as before; ``published``: the day is there already.
        """
        with warehouse.connect() as connection:
            staging = warehouse.create_staging(connection, "bench", world.SHOP, ["fct_order_line"])
            table, names = staging.identifier("fct_order_line"), _names(staging)
            connection.execute(sql.SQL("INSERT INTO {} ({}, _task) SELECT {}, 0 FROM warehouse.fct_order_line").format(table, names, names))
            connection.execute(sql.SQL("UPDATE {} SET quantity = quantity + 1 WHERE ").format(table) + sql.SQL(change))
            if not published:
                connection.execute(DELETE, SCOPE)
            with psycopg.connect(self._settings.postgres_dsn("owner"), autocommit=True) as owner:
                owner.execute("VACUUM ANALYZE warehouse.fct_order_line")
            with reading(self._settings) as waits:
                begin = time.perf_counter()
                with connection.transaction():
                    if ours:
                        warehouse.merge_days(connection, staging, "fct_order_line", [world.DAY])
                    else:
                        _replace(connection, staging)
                took = time.perf_counter() - begin
            warehouse.drop_staging(connection, world.SHOP)
            return took, max(waits)


def _replace(connection: psycopg.Connection, staging: warehouse.Staging) -> None:
    connection.execute(DELETE, SCOPE)
    insert = sql.SQL("INSERT INTO warehouse.fct_order_line ({}, run_id) SELECT {}, 'bench' FROM {}")
    connection.execute(insert.format(_names(staging), _names(staging), staging.identifier("fct_order_line")))


def _names(staging: warehouse.Staging) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, staging.schemas["fct_order_line"].names))


@contextmanager
def reading(settings: Settings) -> Iterator[list[float]]:
    """A reader that asks for one order again and again; the seconds that each answer took."""
    waits, stop = [0.0], threading.Event()

    def ask() -> None:
        # As the pages read: a plan kept from when the table was empty would be read with for ever.
        with psycopg.connect(settings.postgres_dsn("reader"), autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                begin = time.perf_counter()
                connection.execute(
                    "SELECT count(*) FROM warehouse.fct_order_line WHERE shop_id = %s AND date = %s AND event_id < '2'",
                    (world.SHOP, world.DAY),
                )
                waits.append(time.perf_counter() - begin)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join(10)
