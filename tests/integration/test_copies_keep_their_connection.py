"""A process that COPIES again uses the connection it has; one that was lost, or whose COPY failed, is made anew and costs no row."""

from datetime import UTC, date, datetime

import adbc_driver_manager
import psycopg
import pyarrow as pa
import pytest

from ecommerce import warehouse
from ecommerce.config import settings

pytestmark = pytest.mark.servers
SHOP, DAY = "copies", date(2026, 1, 5)
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture
def staging(postgres):
    with warehouse.connect() as connection:
        yield warehouse.create_staging(connection, "run", SHOP, ["fct_visitor"])
        warehouse.drop_staging(connection, SHOP)


def visitors(staging: warehouse.Staging, task: int, day: date | None = DAY) -> None:
    schema = staging.schemas["fct_visitor"]
    row = {"shop_id": SHOP, "date": day, "client_id": f"visitor {task}", "first_seen_at": AT, "last_seen_at": AT, "events": 1}
    batch = pa.RecordBatch.from_pylist([row], schema)
    warehouse.copy_tables(settings().postgres_dsn("loader"), staging, task, {"fct_visitor": [batch]})


def kept() -> int:
    """The server's process of the connection that is kept."""
    with warehouse._KEPT[settings().postgres_dsn("loader")].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def staged(staging: warehouse.Staging) -> int:
    with warehouse.connect() as connection:
        return warehouse.staged_rows(connection, staging)["fct_visitor"]


def test_the_next_copy_uses_the_connection_of_the_last(staging):
    visitors(staging, 0)
    first = kept()
    visitors(staging, 1)
    assert (kept(), staged(staging)) == (first, 2)


def test_a_connection_that_was_lost_is_made_anew(staging):
    visitors(staging, 0)
    first = kept()
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", (first,)).fetchone() == (True,)
    visitors(staging, 1)
    assert kept() != first
    assert staged(staging) == 2


def test_a_copy_that_fails_leaves_no_row_and_no_connection(staging):
    visitors(staging, 0)
    with pytest.raises(adbc_driver_manager.Error, match="not-null"):
        visitors(staging, 1, day=None)
    assert settings().postgres_dsn("loader") not in warehouse._KEPT
    visitors(staging, 1)
    assert staged(staging) == 2
