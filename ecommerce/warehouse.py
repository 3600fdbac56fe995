"""The warehouse as a batch run writes it: staging tables filled from Arrow, shop-days published whole.

Every run has its own unlogged tables in schema ``staging``. Executors COPY into them; one transaction of the
driver then replaces the run's shop-days in schema ``warehouse``, so readers see the old days or the new ones.
"""

from __future__ import annotations

import atexit
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from ecommerce import dimensions
from ecommerce.config import settings
from ecommerce.errors import PlatformError
from ecommerce.shops import Shop

ARROW_TYPES = {
    "text": pa.string(),
    "date": pa.date32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "numeric(18,4)": pa.decimal128(18, 4),
    "double precision": pa.float64(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}
TOUCHED = {"mart_daily_product": ("touched_product", "product_id"), "fct_order_line": ("touched_customer", "customer_id")}
"""Tables whose old and new ids are noted in a staging table, by column: dimensions depend on them."""
WORK_MEMORY = "64MB"
"""Of the connection that checks and publishes; PostgreSQL's default sorts a long range on disk."""
_KEPT: dict[str, Any] = {}
"""The connection of the last COPY, by its DSN."""
TASKS = "task"
"""Staging table of the tasks that have loaded, by table."""

MUCH = (50, 0.1, 50_000)
"""Rows, and part of the table's, above which statistics are taken at once: autovacuum's own rule, and a number that is always much."""

REMOVE = """
    WITH removed AS (
        DELETE FROM {published} AS o WHERE o.shop_id = %(shop)s AND o.date = ANY(%(days)s)
            AND NOT EXISTS (SELECT FROM {staged} AS n WHERE n.date = ANY(%(days)s) AND {same_key})
        RETURNING o.date)
    SELECT 'removed', date, count(*) FROM removed GROUP BY date"""
MERGE = """
    WITH merged AS (
        MERGE INTO {published} AS o USING (SELECT * FROM {staged} WHERE date = ANY(%(days)s)) AS n
        ON o.shop_id = %(shop)s AND o.date = ANY(%(days)s) AND {same_key}
        WHEN MATCHED AND ({old}) IS DISTINCT FROM ({new}) THEN UPDATE SET ({rest}, run_id) = ({new}, %(run)s)
        WHEN NOT MATCHED THEN INSERT ({all}, run_id) VALUES ({staged_row}, %(run)s)
        RETURNING merge_action() AS action, n.date)
    SELECT CASE action WHEN 'INSERT' THEN 'added' ELSE 'changed' END, date, count(*) FROM merged GROUP BY 1, 2"""

# With the merge every staged row is published, and a key is there once: what is more is to be removed.
MORE_THAN_STAGED = """
    SELECT (SELECT count(*) FROM {published} WHERE shop_id = %(shop)s AND date = ANY(%(days)s))
        > (SELECT count(*) FROM {staged} WHERE date = ANY(%(days)s))"""
WITH_ROWS = """
    SELECT array_agg(day) FROM unnest(%s::date[]) AS day
    WHERE EXISTS (SELECT FROM {} WHERE shop_id = %s AND date = day)"""
# In order of the primary key its index grows at its end alone. Rows that are returned cost a quarter more than to count them apart.
ADD = (
    "INSERT INTO {published} ({all}, run_id) SELECT {staged_row}, %(run)s FROM {staged} AS n WHERE n.date = ANY(%(days)s) ORDER BY {order}"
)
ADDED = "SELECT 'added', date, count(*) FROM {staged} WHERE date = ANY(%(days)s) GROUP BY date"


class WarehouseError(PlatformError):
    """The warehouse is not as a run needs it; the message names the table and the remedy."""


@dataclass(frozen=True)
class Staging:
    """The staging tables of one run: warehouse table name to its Arrow schema (without run_id) and staging name.

    Those of ``whole`` hold all of the shop's rows, not those of the run's days.
    """

    run_id: str
    shop_id: str
    schemas: dict[str, pa.Schema]
    whole: frozenset[str] = frozenset()

    def table(self, name: str) -> str:
        """The name in schema ``staging`` of the run's copy of ``name``."""
        return f"{_shop_prefix(self.shop_id)}{_digest(self.run_id)}_{name}"

    def identifier(self, name: str) -> sql.Identifier:
        return sql.Identifier("staging", self.table(name))


def connect(role: str = "loader", name: str = "ecommerce batch") -> psycopg.Connection:
    """An autocommit connection as ``role``, known to the server as ``name``; transactions are explicit.

    Raises:
        WarehouseError: the server does not answer or refuses the role.
    """
    try:
        return psycopg.connect(settings().postgres_dsn(role), autocommit=True, connect_timeout=10, application_name=name[:63])
    except psycopg.OperationalError as error:
        place = f"{settings().postgres_host}:{settings().postgres_port}"
        raise WarehouseError(f"PostgreSQL at {place} does not let {role} in ({str(error).strip()}): is it up? `make status`") from None


def lock_shop(connection: psycopg.Connection, shop_id: str, wait: bool = True) -> bool:
    """Take the shop's lock for as long as ``connection`` lives; runs of one shop follow one another.

    Returns:
        False where another run holds it and ``wait`` is false.
    """
    key = _lock_key(shop_id)
    if wait:
        connection.execute("SELECT pg_advisory_lock(%s)", (key,))
        return True
    return bool(connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()[0])


def holder(connection: psycopg.Connection, shop_id: str) -> str:
    """Who holds the shop's lock, for messages: the run and since when it is connected."""
    query = """
        SELECT application_name, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint = %s AND objid::bigint = %s"""
    high, low = divmod(_lock_key(shop_id) % 2**64, 2**32)
    found = connection.execute(query, (high, low)).fetchone()
    return f"{found[0]} (since {found[1].astimezone(UTC):%H:%M:%S} UTC)" if found else "a run that has just ended"


def _lock_key(shop_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"etl {shop_id}".encode()).digest()[:8], signed=True)


def schema_of(connection: psycopg.Connection, table: str) -> pa.Schema:
    """The Arrow schema of ``warehouse.<table>`` without run_id, in its column order.

    Raises:
        WarehouseError: the table is absent or has a column of a type that cannot be loaded.
    """
    query = """
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attname <> 'run_id' ORDER BY attnum"""
    rows = connection.execute(query, (f"warehouse.{table}",)).fetchall()
    if not rows:
        raise WarehouseError(f"warehouse.{table} does not exist: run `python django_app/manage.py migrate`")
    if unknown := [f"{name} {kind}" for name, kind in rows if kind not in ARROW_TYPES]:
        raise WarehouseError(f"warehouse.{table}: columns of a type that is not loaded: {', '.join(unknown)}")
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in rows])


def create_staging(connection: psycopg.Connection, run_id: str, shop_id: str, tables: Iterable[str], whole: Iterable[str] = ()) -> Staging:
    """Empty staging tables for a run; leftovers of the shop's dead runs go (the caller holds the shop's lock)."""
    staging = Staging(run_id, shop_id, {name: schema_of(connection, name) for name in (*tables, *whole)}, frozenset(whole))
    drop_staging(connection, shop_id)
    with connection.transaction():
        for name in staging.schemas:
            statement = "CREATE UNLOGGED TABLE {} (LIKE warehouse.{} INCLUDING DEFAULTS, _task bigint NOT NULL)"
            connection.execute(sql.SQL(statement).format(staging.identifier(name), sql.Identifier(name)))
            connection.execute(sql.SQL("ALTER TABLE {} ALTER run_id DROP NOT NULL").format(staging.identifier(name)))
        for touched, column in TOUCHED.values():
            statement = sql.SQL("CREATE UNLOGGED TABLE {} ({} text)").format(staging.identifier(touched), sql.Identifier(column))
            connection.execute(statement)
        statement = sql.SQL("CREATE UNLOGGED TABLE {} (name text, task bigint, PRIMARY KEY (name, task))")
        connection.execute(statement.format(staging.identifier(TASKS)))
    return staging


def empty_staging(connection: psycopg.Connection, staging: Staging) -> None:
    """Take back what tasks have loaded."""
    names = sql.SQL(", ").join(staging.identifier(name) for name in (*staging.schemas, TASKS))
    connection.execute(sql.SQL("TRUNCATE {}").format(names))


def staging_tables(connection: psycopg.Connection, shop_id: str) -> list[str]:
    """The names of the shop's tables in schema ``staging``."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'staging' AND starts_with(tablename, %s)"
    return [name for (name,) in connection.execute(query, (_shop_prefix(shop_id),)).fetchall()]


def drop_staging(connection: psycopg.Connection, shop_id: str) -> int:
    """Drop every staging table of the shop; returns how many there were."""
    names = staging_tables(connection, shop_id)
    for name in names:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("staging", name)))
    return len(names)


def copy_tables(dsn: str, staging: Staging, task: int, tables: Mapping[str, Iterable[pa.RecordBatch]]) -> dict[str, int]:
    """COPY batches into the staging tables of their names, in one transaction, as the rows of ``task``.

    A task that has committed rows before loses them first: a retry adds nothing twice. The batches are cast to the tables' columns
    (Staging.schemas) by name.

    Returns:
        The number of rows written, by table.
    """
    rows = dict.fromkeys(tables, 0)
    if not tables:
        return rows

    def shaped(name: str) -> Iterator[pa.RecordBatch]:
        for batch in tables[name]:
            rows[name] += batch.num_rows
            own = pa.repeat(pa.scalar(task, pa.int64()), batch.num_rows)
            yield pa.RecordBatch.from_arrays([*(batch.column(f.name).cast(f.type) for f in staging.schemas[name]), own], schema=wanted)

    with _kept_connection(dsn) as connection, connection.cursor() as cursor:
        for name in tables:
            table, wanted = staging.table(name), staging.schemas[name].append(pa.field("_task", pa.int64()))
            if not _claims(cursor, staging, name, task):
                cursor.execute(f'DELETE FROM staging."{table}" WHERE _task = {int(task)}')
            cursor.adbc_ingest(table, pa.RecordBatchReader.from_batches(wanted, shaped(name)), mode="append", db_schema_name="staging")
        connection.commit()
    return rows


@contextmanager
def _kept_connection(dsn: str) -> Iterator[Any]:
    """This process's ADBC connection, made anew where the last one was lost: to connect costs as much as to COPY a small table."""
    from adbc_driver_manager import Error
    from adbc_driver_postgresql import dbapi

    connection = _KEPT.pop(dsn, None)
    if connection is not None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            connection.rollback()
        except Error:
            _lost(connection)
            connection = None
    connection = connection or dbapi.connect(dsn)
    try:
        yield connection
    except BaseException:
        _lost(connection)
        raise
    _KEPT[dsn] = connection


def _lost(connection: Any) -> None:
    from adbc_driver_manager import Error

    with suppress(Error):  # it is of no use any more, and what made it so is said elsewhere
        connection.close()


@atexit.register
def _leave_kept() -> None:
    """Close what is kept: the driver complains about connections that are open when Python ends."""
    while _KEPT:
        _lost(_KEPT.popitem()[1])


def _claims(cursor: Any, staging: Staging, name: str, task: int) -> bool:
    """Whether ``task`` is the first of its number that loads ``name``; one that still runs, though it was given up, is waited for."""
    claim = f"INSERT INTO staging.\"{staging.table(TASKS)}\" VALUES ('{name}', {int(task)}) ON CONFLICT DO NOTHING RETURNING 1"
    cursor.execute(f"WITH claimed AS ({claim}) SELECT count(*) FROM claimed")
    return bool(cursor.fetchone()[0])


def staged_rows(connection: psycopg.Connection, staging: Staging, names: Iterable[str] | None = None) -> dict[str, int]:
    """The number of rows in each of the run's staging tables, or in those of ``names``."""
    count = sql.SQL("SELECT count(*) FROM {}")
    return {name: connection.execute(count.format(staging.identifier(name))).fetchone()[0] for name in names or staging.schemas}


def replace_days(
    connection: psycopg.Connection, staging: Staging, days: list[date], names: Iterable[str] | None = None
) -> dict[date, dict[str, dict[str, int]]]:
    """Replace the shop's ``days`` in every table of ``staging``, or in those of ``names``; call inside a transaction.

    Rows of marts are replaced. A row of a fact table that is as before stays, with the id of the run that wrote it.

    Returns:
        Rows added, removed and changed in each fact table, by day; nothing of days not published before.
    """
    scope = {"shop": staging.shop_id, "days": days, "run": staging.run_id}
    known = "SELECT array_agg(DISTINCT date) FROM warehouse.etl_run_day WHERE shop_id = %(shop)s AND date = ANY(%(days)s)"
    before = connection.execute(known, scope).fetchone()[0] or []
    changes: dict[date, dict[str, dict[str, int]]] = {}
    for name in names or staging.schemas:
        if name in TOUCHED:
            _note_touched(connection, staging, name, scope)
        if name.startswith("fct_"):
            written, found = merge_days(connection, staging, name, days)
            for day in found.keys() & before:
                changes.setdefault(day, {})[name] = found[day]
        else:
            written = _replace_rows(connection, staging, name, scope)
        _take_statistics(connection, name, written)
    return changes


def _note_touched(connection: psycopg.Connection, staging: Staging, name: str, scope: dict[str, Any]) -> None:
    touched, column = TOUCHED[name]
    statement = """
        INSERT INTO {touched} SELECT DISTINCT {column} FROM (
            SELECT {column} FROM warehouse.{name} WHERE shop_id = %(shop)s AND date = ANY(%(days)s)
            UNION ALL SELECT {column} FROM {staged}) AS rows WHERE {column} IS NOT NULL"""
    parts = {"touched": staging.identifier(touched), "column": sql.Identifier(column), "name": sql.Identifier(name)}
    connection.execute(sql.SQL(statement).format(**parts, staged=staging.identifier(name)), scope)


def _replace_rows(connection: psycopg.Connection, staging: Staging, name: str, scope: dict[str, Any]) -> int:
    """Delete and insert; the number of rows written."""
    columns, target = _names(staging.schemas[name].names), sql.Identifier("warehouse", name)
    rows = sql.SQL("true" if name in staging.whole else "date = ANY(%(days)s)")
    connection.execute(sql.SQL("DELETE FROM {} WHERE shop_id = %(shop)s AND {}").format(target, rows), scope)
    statement = sql.SQL("INSERT INTO {} ({}, run_id) SELECT {}, %(run)s FROM {} WHERE {}")
    return connection.execute(statement.format(target, columns, columns, staging.identifier(name), rows), scope).rowcount


def merge_days(connection: psycopg.Connection, staging: Staging, name: str, days: list[date]) -> tuple[int, dict[date, dict[str, int]]]:
    """Remove, change and add the rows of one table that differ; call inside a transaction.

    Returns:
        The number of rows written; and rows added, removed and changed by day, of days where there are any.
    """
    columns, keys = staging.schemas[name].names, _primary_key(connection, name)
    rest = [column for column in columns if column not in keys]
    parts = {
        "published": sql.Identifier("warehouse", name),
        "staged": staging.identifier(name),
        "same_key": sql.SQL(" AND ").join(sql.SQL("o.{0} = n.{0}").format(sql.Identifier(key)) for key in keys),
        "old": _names(rest, "o"),
        "new": _names(rest, "n"),
        "rest": _names(rest),
        "all": _names(columns),
        "staged_row": _names(columns, "n"),
        "order": _names([key for key in keys if key != "shop_id" and (key != "date" or len(days) > 1)], "n"),
    }
    by_day: dict[date, dict[str, int]] = {}

    def run(statement: str, some: list[date]) -> psycopg.Cursor:
        return connection.execute(sql.SQL(statement).format(**parts), {"shop": staging.shop_id, "days": some, "run": staging.run_id})

    def counted(statement: str, some: list[date]) -> None:
        for kind, day, rows in run(statement, some).fetchall():
            by_day.setdefault(day, {"added": 0, "removed": 0, "changed": 0})[kind] = rows

    old = days_with_rows(connection, staging.shop_id, name, days)
    new = [day for day in days if day not in old]
    # A nested loop would look for each new row among all that were inserted before it.
    connection.execute("SET LOCAL enable_nestloop = off")
    connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # readers keep a core
    if old:
        counted(MERGE, old)
        if run(MORE_THAN_STAGED, old).fetchone()[0]:
            counted(REMOVE, old)
    if new:
        rows = run(ADD, new).rowcount
        if len(new) > 1:
            counted(ADDED, new)
        elif rows:
            by_day[new[0]] = {"added": rows, "removed": 0, "changed": 0}
    for name in ("enable_nestloop", "max_parallel_workers_per_gather"):
        connection.execute(f"SET LOCAL {name} TO DEFAULT")
    return sum(found["added"] + found["changed"] for found in by_day.values()), by_day


def days_with_rows(connection: psycopg.Connection, shop_id: str, name: str, days: list[date]) -> list[date]:
    """Those of ``days`` of which ``warehouse.<name>`` has rows of the shop."""
    query = sql.SQL(WITH_ROWS).format(sql.Identifier("warehouse", name))
    return connection.execute(query, (days, shop_id)).fetchone()[0] or []


def _primary_key(connection: psycopg.Connection, name: str) -> list[str]:
    query = """
        SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)
        WHERE indrelid = to_regclass(%s) AND indisprimary"""
    return [key for (key,) in connection.execute(query, (f"warehouse.{name}",))]


def _names(columns: Iterable[str], table: str = "") -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, column) if table else sql.Identifier(column) for column in columns)


def _take_statistics(connection: psycopg.Connection, table: str, inserted: int) -> None:
    """ANALYZE a table that has grown much: without it the planner takes a shop's first year for one row, and joins by nested loops.

    A sample a quarter as large as usual does until autovacuum takes its own.
    """
    connection.execute("SET LOCAL default_statistics_target = 25")
    query = """
        SELECT warehouse.take_statistics(relname) FROM pg_class
        WHERE oid = to_regclass(%s) AND %s > least(%s + %s * greatest(reltuples, 0), %s)"""
    connection.execute(query, (f"warehouse.{table}", inserted, *MUCH))
    connection.execute("SET LOCAL default_statistics_target TO DEFAULT")


def refresh_visits(connection: psycopg.Connection, staging: Staging, shop: Shop, days: list[date]) -> None:
    """Compute customers and distinct counts (see :mod:`ecommerce.dimensions`); after ``replace_days`` of all facts, in its transaction."""
    dimensions.refresh_visits(connection, shop, days, staging.identifier("touched_customer"))


def refresh_products(connection: psycopg.Connection, staging: Staging, shop: Shop) -> None:
    """Compute the products (see :mod:`ecommerce.dimensions`); after ``replace_days`` of their daily mart, in its transaction."""
    dimensions.refresh_products(connection, shop, staging.identifier("touched_product"))


def _shop_prefix(shop_id: str) -> str:
    return f"s{_digest(shop_id)}_r"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
