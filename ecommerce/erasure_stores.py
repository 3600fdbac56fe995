"""The warehouse's and Redis' part of an erasure."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable

import msgspec
import psycopg
import redis
from psycopg import sql

from ecommerce.config import Settings
from ecommerce.erasure_terms import ERASED, Person, Step, word
from ecommerce.errors import PlatformError
from ecommerce.suppression import TOKENS, Suppression

REWRITE_SECONDS = 300
COLUMNS = """
    SELECT c.table_name, array_agg(c.column_name::text) FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'warehouse' AND t.table_type = 'BASE TABLE' GROUP BY 1 ORDER BY 1"""


ID = re.compile(r"[\w-]+")
OF_ORDERS = "check_name IN ('run.orders_of_one_day', 'facts.refunds_within_their_order', 'facts.orders_are_unique')"
NOTES: tuple[tuple[str, str, str, Callable[[Person], set[str]]], ...] = (
    ("quarantine", "reason", "true", lambda person: person.events),
    ("reconciliation", "explanation", "true", lambda person: person.events),
    ("quality_result", "detail", OF_ORDERS, lambda person: person.transactions),
    ("quality_result", "detail", "check_name = 'facts.lines_are_unique'", lambda person: person.events),
    ("etl_run", "message", "status = 'blocked'", lambda person: person.events | person.transactions),
)
"""Texts that may quote ids: table, column, which rows, and what ids."""


class RewriteError(PlatformError):
    """Redis could not rewrite its append-only file; its log says why."""


def find(settings: Settings, person: Person) -> None:
    """Add the clients, events and orders that the warehouse knows."""
    with _warehouse(settings) as connection:
        scope = {"shop": person.shop_id, "customer": person.customer}
        for table in ("fct_session", "fct_order"):
            query = sql.SQL("""
                SELECT DISTINCT client_id FROM warehouse.{table} WHERE shop_id = %(shop)s AND customer_id = %(customer)s AND client_id IS NOT NULL
                EXCEPT SELECT client_id FROM warehouse.fct_session WHERE shop_id = %(shop)s AND customer_id <> %(customer)s""")
            person.clients |= {row[0] for row in connection.execute(query.format(table=sql.Identifier(table)), scope)}
        query = "SELECT event_id, transaction_id FROM warehouse.fct_order_line WHERE shop_id = %(shop)s AND customer_id = %(customer)s"
        for event_id, transaction_id in connection.execute(query, scope):
            person.events.add(event_id)
            person.transactions |= {transaction_id} - {None}


def _warehouse(settings: Settings) -> psycopg.Connection:
    return psycopg.connect(settings.postgres_dsn("loader"), connect_timeout=10)


def _theirs(columns: list[str]) -> sql.Composable:
    """The condition under which a fact's row is the person's: as for an event, by customer, else by client or session."""
    parts = []
    if "customer_id" in columns:
        parts.append(sql.SQL("customer_id = %(customer)s"))
    nobody = sql.SQL("customer_id IS NULL AND ") if "customer_id" in columns else sql.SQL("")
    if "client_id" in columns:
        parts.append(nobody + sql.SQL("client_id = ANY(%(clients)s)"))
    elif "session_id" in columns:
        parts.append(nobody + sql.SQL("session_id = ANY(%(sessions)s)"))
    return sql.SQL("(") + sql.SQL(" OR ").join(sql.SQL("(") + part + sql.SQL(")") for part in parts) + sql.SQL(")")


def _scope(connection: psycopg.Connection, person: Person) -> dict[str, object]:
    scope: dict[str, object] = {"shop": person.shop_id, "customer": person.customer, "clients": sorted(person.clients)}
    query = """
        SELECT DISTINCT session_id FROM warehouse.fct_session
        WHERE shop_id = %(shop)s AND (customer_id = %(customer)s OR customer_id IS NULL AND client_id = ANY(%(clients)s))"""
    return scope | {"sessions": [row[0] for row in connection.execute(query, scope)]}


def _tables(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Base tables of the warehouse with a column that may hold a person's id."""
    ids = {"customer_id", "client_id", "session_id"}
    return {table: columns for table, columns in connection.execute(COLUMNS) if ids & set(columns) and "shop_id" in columns}


def _erase_warehouse(settings: Settings, suppression: Suppression, person: Person) -> int:
    """Facts become nobody's, with tokens for their ids; what has one row a customer loses the row."""
    removed = 0
    with _warehouse(settings) as connection:
        connection.execute("SET LOCAL lock_timeout = '60s'")
        scope, tables = _scope(connection, person), _tables(connection)
        tokens: dict[str, dict[str, str]] = {name: {} for name in (*TOKENS, "event_id")}
        for table, columns in tables.items():
            if table.startswith("fct_"):
                _collect(connection, suppression, person, table, columns, scope, tokens)
        scope |= {f"new_{column}": json.dumps(found) for column, found in tokens.items()}
        for table, columns in tables.items():
            where = sql.SQL(" WHERE shop_id = %(shop)s AND ") + _theirs(columns)
            name = sql.Identifier("warehouse", table)
            statement = (
                sql.SQL("UPDATE {} t SET ").format(name) + _changes(columns)
                if table.startswith("fct_")
                else sql.SQL("DELETE FROM {}").format(name)
            )
            removed += connection.execute(statement + where, scope).rowcount
    return removed


def _token_columns(columns: list[str]) -> list[str]:
    return [name for name in (*TOKENS, "event_id") if name in columns]


def _collect(
    connection: psycopg.Connection,
    suppression: Suppression,
    person: Person,
    table: str,
    columns: list[str],
    scope: dict[str, object],
    tokens: dict[str, dict[str, str]],
) -> None:
    """Add to ``tokens`` (column to old to new) what stands for the person's ids in ``table``."""
    for column in _token_columns(columns):
        query = sql.SQL("SELECT DISTINCT {} FROM warehouse.{} WHERE shop_id = %(shop)s AND {}")
        for (value,) in connection.execute(query.format(sql.Identifier(column), sql.Identifier(table), _theirs(columns)), scope):
            if value:
                new = (
                    suppression.event_id(person.shop_id, value)
                    if column == "event_id"
                    else suppression.token(person.shop_id, column, value)
                )
                tokens[column][value] = new


def _changes(columns: list[str]) -> sql.Composable:
    changes = [sql.SQL("customer_id = NULL")] if "customer_id" in columns else []
    for column in _token_columns(columns):
        new = sql.SQL("{c} = coalesce({new}::jsonb ->> t.{c}, t.{c})")
        changes.append(new.format(c=sql.Identifier(column), new=sql.Placeholder(f"new_{column}")))
    return sql.SQL(", ").join(changes)


def _look_warehouse(settings: Settings, person: Person) -> tuple[int, int]:
    looked = left = 0
    with _warehouse(settings) as connection:
        scope = {**_scope(connection, person), "events": sorted(person.events), "transactions": sorted(person.transactions)}
        for table, columns in _tables(connection).items():
            count = sql.SQL("SELECT count(*) FROM warehouse.{} WHERE shop_id = %(shop)s AND ").format(sql.Identifier(table))
            looked, left = looked + 1, left + connection.execute(count + _theirs(columns), scope).fetchone()[0]
    return looked, left


def _erase_held_back(settings: Settings, suppression: Suppression, person: Person) -> int:
    update = "UPDATE warehouse.quarantine SET raw = %(erased)s WHERE shop_id = %(shop)s AND raw ~ %(pattern)s"
    with _warehouse(settings) as connection:
        return sum(connection.execute(update, {"erased": ERASED, **scope}).rowcount for scope in _patterns(person))


def _look_held_back(settings: Settings, person: Person) -> tuple[int, int]:
    with _warehouse(settings) as connection:
        looked = connection.execute("SELECT count(*) FROM warehouse.quarantine WHERE shop_id = %s", (person.shop_id,)).fetchone()[0]
        query = "SELECT count(*) FROM warehouse.quarantine WHERE shop_id = %(shop)s AND raw ~ %(pattern)s"
        return looked, sum(connection.execute(query, scope).fetchone()[0] for scope in _patterns(person))


def _patterns(person: Person) -> list[dict[str, str]]:
    return [{"shop": person.shop_id, "pattern": word(text).pattern} for text in (person.customer, *sorted(person.clients))]


def _notes(connection: psycopg.Connection, person: Person) -> list[tuple[sql.Composable, str, str]]:
    """(statement, text, text without the person) of each note of a check, a refusal or a reconciliation that quotes an id."""
    found = []
    for table, column, rows, ids in NOTES:
        parts = {"column": sql.Identifier(column), "table": sql.Identifier("warehouse", table), "rows": sql.SQL(rows)}
        query = sql.SQL("SELECT DISTINCT {column} FROM {table} WHERE shop_id = %s AND {rows}").format(**parts)
        update = sql.SQL("UPDATE {table} SET {column} = %s WHERE shop_id = %s AND {rows} AND {column} = %s").format(**parts)
        for (text,) in connection.execute(query, (person.shop_id,)):
            without = ID.sub(lambda one, ids=ids(person): ERASED if one[0] in ids else one[0], text)
            found += [(update, text, without)] if without != text else []
    return found


def _erase_notes(settings: Settings, suppression: Suppression, person: Person) -> int:
    with _warehouse(settings) as connection:
        notes = _notes(connection, person)
        return sum(connection.execute(update, (without, person.shop_id, text)).rowcount for update, text, without in notes)


def _look_notes(settings: Settings, person: Person) -> tuple[int, int]:
    with _warehouse(settings) as connection:
        return len(NOTES), len(_notes(connection, person))


def _redis(settings: Settings) -> redis.Redis:
    return redis.Redis(**settings.redis_options, socket_timeout=60)


def _raw(event_id: str) -> bytes:
    return uuid.UUID(event_id).bytes


def _erase_seen(settings: Settings, suppression: Suppression, person: Person) -> int:
    """Seen ids and orders become their tokens: a copy that comes again is still refused, and tells nothing."""
    removed, events = 0, sorted(person.events)
    with _redis(settings) as client:
        for key in client.scan_iter(match="live:*:seen:*", count=1000) if events else ():
            hits = [one for one, there in zip(events, client.smismember(key, [_raw(one) for one in events]), strict=True) if there]
            if hits:
                pipe = client.pipeline(transaction=True)
                pipe.srem(key, *map(_raw, hits))
                pipe.sadd(key, *(_raw(suppression.event_id(person.shop_id, one)) for one in hits))
                removed += pipe.execute()[0]
        removed += sum(_erase_orders(client, key, suppression, person) for key in _keys(client, "transactions", person))
    return removed


def _keys(client: redis.Redis, what: str, person: Person) -> list[bytes]:
    return list(client.scan_iter(match=f"live:*:{what}:*{person.shop_id}:*", count=1000)) if person.transactions else []


def _erase_orders(client: redis.Redis, key: bytes, suppression: Suppression, person: Person) -> int:
    orders = sorted(person.transactions)
    found = {order: event for order, event in zip(orders, client.hmget(key, orders), strict=True) if event is not None}
    if not found:
        return 0
    token = lambda order: suppression.token(person.shop_id, "transaction_id", order)  # noqa: E731
    events = {order: _raw(suppression.event_id(person.shop_id, str(uuid.UUID(bytes=raw)))) for order, raw in found.items()}
    pipe = client.pipeline(transaction=True)
    pipe.hdel(key, *found)
    pipe.hset(key, mapping={token(order): event for order, event in events.items()})
    return pipe.execute()[0]


def _look_seen(settings: Settings, person: Person) -> tuple[int, int]:
    looked = left = 0
    with _redis(settings) as client:
        for key in client.scan_iter(match="live:*:seen:*", count=1000):
            looked += 1
            left += sum(client.smismember(key, [_raw(one) for one in sorted(person.events)])) if person.events else 0
        for key in _keys(client, "transactions", person):
            looked, left = looked + 1, left + sum(value is not None for value in client.hmget(key, sorted(person.transactions)))
    return looked, left


def _erase_lists(settings: Settings, suppression: Suppression, person: Person) -> int:
    with _redis(settings) as client:
        return sum(client.lrem(key, 0, entry) for key, entry in _entries(client, person))


def _look_lists(settings: Settings, person: Person) -> tuple[int, int]:
    with _redis(settings) as client:
        return len(_keys(client, "latest", person)), len(_entries(client, person))


def _entries(client: redis.Redis, person: Person) -> list[tuple[bytes, bytes]]:
    return [
        (key, entry)
        for key in _keys(client, "latest", person)
        for entry in client.lrange(key, 0, -1)
        if msgspec.json.decode(entry).get("transaction_id") in person.transactions
    ]


def rewrite_append_only_file(settings: Settings) -> None:
    """Write Redis' file anew, so that what was removed is not in its history; returns when it is in place.

    Raises:
        RewriteError: Redis could not, or not within five minutes.
    """
    with _redis(settings) as client:
        state = client.info("persistence")
        if not state["aof_enabled"]:
            return
        if not state["aof_rewrite_in_progress"]:
            client.bgrewriteaof()
        deadline = time.monotonic() + REWRITE_SECONDS
        while (state := client.info("persistence"))["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
            if time.monotonic() > deadline:
                raise RewriteError(
                    f"Redis' append-only file is not rewritten after {REWRITE_SECONDS} s: see `make logs redis`, erase again"
                )
            time.sleep(0.1)
        if state["aof_last_bgrewrite_status"] != "ok":
            raise RewriteError("Redis could not rewrite its append-only file: see `make logs redis`, then erase again")


STEPS = (
    Step("warehouse: rows held back", "rows", _erase_held_back, _look_held_back),
    Step("warehouse: notes of checks", "columns", _erase_notes, _look_notes),
    Step("live: seen ids and orders", "keys", _erase_seen, _look_seen),
    Step("live: latest orders", "lists", _erase_lists, _look_lists),
    Step("warehouse: facts and customers", "tables", _erase_warehouse, _look_warehouse),
)
"""The facts last: ``find`` reads them."""
