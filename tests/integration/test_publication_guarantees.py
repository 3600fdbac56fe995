"""What publication promises, and what is seen when a promise is taken away: one transaction, a task's own rows, the shop's lock."""

from contextlib import nullcontext
from datetime import UTC, date, datetime

import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from ecommerce import warehouse
from ecommerce.config import settings

pytestmark = pytest.mark.servers
SHOP, DAY = "publication", date(2026, 1, 5)
TABLES = ["fct_order_line", "mart_daily_product", "fct_visitor", "fct_session"]
ONE_SESSION_TWICE = """
INSERT INTO {} (shop_id, date, session_id, started_at, ended_at, page_views, item_views, add_to_carts, checkouts, orders, _task)
SELECT %s, %s, 's', %s, %s, 1, 0, 0, 0, 0, 0 FROM generate_series(1, 2)"""
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture
def loader(postgres):
    """The connection of a run; the shop's rows are gone afterwards."""
    with warehouse.connect() as connection:
        yield connection
        warehouse.drop_staging(connection, SHOP)
        connection.execute("DELETE FROM warehouse.fct_visitor WHERE shop_id = %s", (SHOP,))


def visitors(staging: warehouse.Staging, names: list[str], task: int = 0) -> None:
    """COPY a row for each of ``names`` as ``task`` does."""
    schema, size = staging.schemas["fct_visitor"], len(names)
    columns = {"shop_id": [SHOP] * size, "date": [DAY] * size, "client_id": names, "first_seen_at": [AT] * size}
    batch = pa.RecordBatch.from_pydict({**columns, "last_seen_at": [AT] * size, "events": [1] * size}, schema)
    warehouse.copy_tables(settings().postgres_dsn("loader"), staging, task, {"fct_visitor": [batch]})


def staged(connection: psycopg.Connection, run_id: str, *names: str) -> warehouse.Staging:
    staging = warehouse.create_staging(connection, run_id, SHOP, TABLES)
    visitors(staging, list(names))
    return staging


def seen() -> list[tuple[str, str]]:
    """What a reader sees of the day: (run, visitor)."""
    with psycopg.connect(settings().postgres_dsn("reader")) as connection:
        query = "SELECT run_id, client_id FROM warehouse.fct_visitor WHERE shop_id = %s ORDER BY 2"
        return connection.execute(query, (SHOP,)).fetchall()


def published(connection: psycopg.Connection, run_id: str = "old") -> None:
    staging = staged(connection, run_id, "a", "b")
    with connection.transaction():
        warehouse.replace_days(connection, staging, [DAY])


def test_a_reader_sees_the_old_day_until_the_new_one_is_whole(loader):
    published(loader)
    staging = staged(loader, "new", "b", "c")
    with loader.transaction():
        warehouse.replace_days(loader, staging, [DAY])
        assert seen() == [("old", "a"), ("old", "b")]
    assert seen() == [("old", "b"), ("new", "c")]


@pytest.mark.parametrize("known", [True, False], ids=["published before", "control: a first publication"])
def test_rows_that_are_as_before_keep_their_run_and_the_others_are_counted(loader, known):
    published(loader)
    staging = staged(loader, "new", "b", "c")
    loader.execute(sql.SQL("UPDATE {} SET events = 2 WHERE client_id = 'b'").format(staging.identifier("fct_visitor")))
    visitors(staging, ["d"], task=1)
    with loader.transaction(force_rollback=True):
        if known:
            run = "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status) VALUES ('old', %s, '', %s, %s, 'running')"
            loader.execute(run, (SHOP, DAY, DAY))
            day = (
                "INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures) VALUES ('old', %s, %s, '', '', '{}')"
            )
            loader.execute(day, (SHOP, DAY))
        found = warehouse.replace_days(loader, staging, [DAY])
        assert found == ({DAY: {"fct_visitor": {"added": 2, "removed": 1, "changed": 1}}} if known else {})
        assert warehouse.replace_days(loader, staging, [DAY]) == {}
    published(loader)
    published(loader, "again")
    assert seen() == [("old", "a"), ("old", "b")]


@pytest.mark.parametrize("guarded", [True, False], ids=["in a transaction", "control: without one"])
def test_a_publication_that_fails_leaves_the_old_day(loader, guarded):
    published(loader)
    staging = staged(loader, "new", "c")
    loader.execute(sql.SQL(ONE_SESSION_TWICE).format(staging.identifier("fct_session")), (SHOP, DAY, AT, AT))
    with pytest.raises(psycopg.errors.UniqueViolation), loader.transaction() if guarded else nullcontext():
        warehouse.replace_days(loader, staging, [DAY])
    assert seen() == ([("old", "a"), ("old", "b")] if guarded else [("new", "c")])


@pytest.mark.parametrize(("again", "rows"), [(0, 2), (100_000, 4)], ids=["the task itself", "control: as another task"])
def test_a_task_that_is_tried_again_adds_nothing_twice(loader, again, rows):
    staging = staged(loader, "new", "a", "b")
    visitors(staging, ["a", "b"], again)
    assert warehouse.staged_rows(loader, staging)["fct_visitor"] == rows


def test_runs_of_a_shop_follow_one_another(loader):
    assert warehouse.lock_shop(loader, SHOP, wait=False)
    staging = staged(loader, "first", "a")
    with warehouse.connect(name="run second") as other:
        assert not warehouse.lock_shop(other, SHOP, wait=False)
        assert warehouse.holder(other, SHOP).startswith("ecommerce batch (since ")
        warehouse.create_staging(other, "second", SHOP, TABLES)  # control: one that does not wait takes the first one's tables
    with pytest.raises(psycopg.errors.UndefinedTable):
        warehouse.staged_rows(loader, staging)
