"""A run that is tried again after it had published says what it changed of the run before it, not of itself."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from runlog import RunLog

from ecommerce import warehouse

pytestmark = pytest.mark.servers
SHOP, DAY = "newcomer", date(2026, 1, 5)
LINES = {"fct_order_line": {"added": 3, "removed": 0, "changed": 1}}
ORDERS = {"fct_order": {"added": 0, "removed": 2, "changed": 0}}
PUBLISHED = """
    INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures, published_at)
    VALUES (%s, 'newcomer', '2026-01-05', 'simulated', '', '{}', %s)"""


@pytest.fixture
def loader(postgres):
    """The connection of a run, in a transaction that is taken back; run ``old`` has published the day."""
    with warehouse.connect() as connection, connection.transaction(force_rollback=True):
        published(connection, "old", 6)
        yield connection


def published(connection, run_id: str, day: int) -> None:
    started(connection, run_id)
    connection.execute(PUBLISHED, (run_id, datetime(2026, 1, day, tzinfo=UTC)))


def started(connection, run_id: str) -> RunLog:
    log = RunLog(connection, run_id, SHOP, SimpleNamespace(name="simulated"), DAY, DAY)
    run = "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status) VALUES (%s, %s, '', %s, %s, 'published')"
    connection.execute(run, (run_id, SHOP, DAY, DAY))
    return log


def recorded(connection) -> tuple:
    return connection.execute("SELECT previous_run_id, row_changes FROM warehouse.etl_run_day WHERE run_id = 'new'").fetchone()


@pytest.mark.parametrize(
    ("changes", "all_changes"),
    [
        ({}, LINES),
        (ORDERS, LINES | ORDERS),
        ({"fct_order_line": {"added": 1, "removed": 1, "changed": 0}}, {"fct_order_line": {"added": 4, "removed": 1, "changed": 1}}),
    ],
    ids=["nothing more", "another table", "the same table"],
)
def test_both_attempts_count(loader, changes, all_changes):
    log = started(loader, "new")
    for found in (LINES, changes):
        log.days([DAY], {DAY: found})
    assert recorded(loader) == ("old", all_changes)


def test_where_another_run_came_between_the_last_attempt_counts_alone(loader):
    log = started(loader, "new")
    log.days([DAY], {DAY: LINES})
    published(loader, "between", 7)
    log.days([DAY], {DAY: ORDERS})
    assert recorded(loader) == ("between", ORDERS)
