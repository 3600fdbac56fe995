"""A day of the lake as wire events again: the rows of one event joined, the same event_id, in time order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from ecommerce import lake
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.events import FLAT_SCHEMA, Event
from ecommerce.flat_events import event_of

BATCH_ROWS = 16_384
ORDER = [(name, "ascending") for name in ("event_time", "event_id", "item_index")]


class ReplayError(PlatformError):
    """The day cannot be streamed; the message says why and what can be done."""


def choose_source(config: Settings, shop_id: str, day: date, wanted: str | None = None) -> str:
    """The source whose rows of the shop-day are streamed: ``wanted``, else the only one, else the authoritative one.

    Raises:
        ReplayError: the lake has no such day, or nothing says which of several sources is authoritative.
    """
    folders = (config.lake_dir / "events").glob(f"source=*/shop={shop_id}/date={day}/{lake.MANIFEST}")
    known = sorted(path.parts[-4].removeprefix("source=") for path in folders)
    if not known:
        raise ReplayError(f"the lake has no events of {shop_id} on {day} ({config.lake_dir}): load the day with `ecommerce etl` first")
    if wanted is None:
        return known[0] if len(known) == 1 else _authoritative(config, shop_id, day, known)
    if wanted not in known:
        raise ReplayError(f"the lake has {shop_id} on {day} from {', '.join(known)}, not from {wanted}")
    return wanted


def _authoritative(config: Settings, shop_id: str, day: date, known: list[str]) -> str:
    query = "SELECT source FROM warehouse.etl_run_day WHERE shop_id = %s AND date = %s ORDER BY published_at DESC LIMIT 1"
    several = f"{shop_id} on {day} is in the lake from {', '.join(known)}: name one with --source"
    try:
        with psycopg.connect(config.postgres_dsn("reader"), connect_timeout=5) as connection:
            row = connection.execute(query, (shop_id, day)).fetchone()
    except psycopg.Error as error:
        raise ReplayError(f"{several} (the warehouse, which knows the authoritative one, does not answer: {error})") from None
    if row is None or row[0] not in known:
        raise ReplayError(f"{several} (the warehouse has not published the day yet)")
    return row[0]


def day_events(root: Path, source: str, shop_id: str, day: date) -> Iterator[Event]:
    """The wire events of the shop-day that ``source`` brought, by event time.

    The day's rows are read and checked at once and held as Arrow columns; events are made as they are taken.

    Raises:
        ReplayError: a row lacks what every wire event has.
        lake.LakeError: a published file is absent or altered.
    """
    paths = lake.files(lake.events(root, source, shop_id, day))
    tables = [pq.ParquetFile(path).read(columns=FLAT_SCHEMA.names) for path in paths]
    table = pa.concat_tables(tables or [FLAT_SCHEMA.empty_table()], promote_options="permissive").sort_by(ORDER)
    _check(table, source, shop_id, day)
    return _events(table)


def _events(table: pa.Table) -> Iterator[Event]:
    rows = (row for batch in table.to_batches(max_chunksize=BATCH_ROWS) for row in batch.to_pylist())
    for _, lines in groupby(rows, key=lambda row: row["event_id"]):
        yield event_of(list(lines))


def _check(table: pa.Table, source: str, shop_id: str, day: date) -> None:
    for name in ("client_id", "session_id"):
        if absent := table.column(name).null_count:
            raise ReplayError(
                f"{absent} of {table.num_rows} rows of {shop_id} on {day} from {source} have no {name}, which every event on the wire has: "
                "such a day cannot be streamed; its numbers are in the warehouse"
            )
