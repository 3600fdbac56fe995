"""The planner knows what a large run has just written: else its later statements join a shop's first year by nested loops."""

from datetime import date

import psycopg
import pytest

from ecommerce import warehouse

pytestmark = pytest.mark.servers
DAYS = [date(2025, 1, 1), date(2025, 1, 2)]
ROWS = 20_000


def fill(connection: psycopg.Connection, table: str, shop_id: str, rows: int, own: str = "run_id") -> None:
    connection.execute(
        f"""INSERT INTO {table} (shop_id, date, client_id, first_seen_at, last_seen_at, events, {own})
            SELECT %s, %s::date + n %% 2, 'v' || n, now(), now(), 1, 0 FROM generate_series(1, %s) n""",
        (shop_id, DAYS[0], rows),
    )


@pytest.fixture
def expected_rows(postgres):
    """What the planner expects of the shop's rows right after they were published, in the same transaction."""
    with warehouse.connect() as connection, connection.transaction(force_rollback=True):
        fill(connection, "warehouse.fct_visitor", "known", 300)
        connection.execute("SELECT warehouse.take_statistics('fct_visitor')")
        staging = warehouse.create_staging(connection, "statistics", "first-year", ["fct_visitor", "mart_daily_product", "fct_order_line"])
        fill(connection, staging.identifier("fct_visitor").as_string(), "first-year", ROWS, "_task")

        def publish() -> int:
            warehouse.replace_days(connection, staging, DAYS)
            plan = "EXPLAIN (FORMAT JSON) SELECT * FROM warehouse.fct_visitor WHERE shop_id = 'first-year'"
            return connection.execute(plan).fetchone()[0][0]["Plan"]["Plan Rows"]

        yield publish


def test_the_planner_expects_what_was_written(expected_rows):
    assert expected_rows() == pytest.approx(ROWS, rel=0.2)


def test_without_it_the_planner_expects_next_to_nothing(expected_rows, monkeypatch):
    monkeypatch.setattr(warehouse, "MUCH", (10**9, 1, 10**9))
    assert expected_rows() < ROWS / 10


def test_a_small_run_leaves_them_to_autovacuum(expected_rows, monkeypatch):
    monkeypatch.setattr(warehouse, "MUCH", (ROWS + 1, 0.1, 50_000))
    assert expected_rows() < ROWS / 10
