"""Warnings that quote orders lose the orders of a person who is erased, and keep those of others."""

import psycopg
import pytest

from ecommerce import erasure_stores
from ecommerce.config import settings
from ecommerce.erasure_terms import ERASED, Person

pytestmark = pytest.mark.servers
PERSON = Person("newcomer", "c1", transactions={"T-9"}, events={"6e4c"})
NOTE = """
    INSERT INTO warehouse.quality_result (run_id, shop_id, date, check_name, severity, passed, detail)
    VALUES ('notes', 'newcomer', '2026-01-05', %s, 'warning', false, %s)"""


@pytest.fixture
def loader(postgres):
    with psycopg.connect(settings().postgres_dsn("loader"), autocommit=True) as connection:
        yield connection
        connection.execute("DELETE FROM warehouse.quality_result WHERE run_id = 'notes'")


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("run.orders_of_one_day", "also on another day: {}, T-91"),
        ("facts.refunds_within_their_order", "refunds exceed their order, such as {}"),
        ("facts.orders_are_unique", "order {}"),
    ],
)
def test_the_order_is_gone(loader, check, said):
    (notes,) = (step for step in erasure_stores.STEPS if step.name == "warehouse: notes of checks")
    loader.execute(NOTE, (check, said.format("T-9")))
    assert notes.look(settings(), PERSON)[1] == 1
    assert notes.erase(settings(), None, PERSON) == 1
    assert notes.look(settings(), PERSON)[1] == 0
    (found,) = loader.execute("SELECT detail FROM warehouse.quality_result WHERE run_id = 'notes'").fetchone()
    assert found == said.format(ERASED)


def test_the_message_of_a_run_that_was_stopped_forgets_order_and_event(loader):
    run = "INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, message) VALUES ('notes', 'newcomer', 'files', '2026-01-05', '2026-01-05', 'blocked', %s)"
    said = "facts.lines_are_unique on 2026-01-05: 1 (line 0 of event {}); facts.orders_are_unique on 2026-01-05: 1 (order {})"
    loader.execute(run, (said.format("6e4c", "T-9"),))
    try:
        (notes,) = (step for step in erasure_stores.STEPS if step.name == "warehouse: notes of checks")
        assert notes.erase(settings(), None, PERSON) == 1
        (found,) = loader.execute("SELECT message FROM warehouse.etl_run WHERE run_id = 'notes'").fetchone()
        assert found == said.format(ERASED, ERASED)
    finally:
        loader.execute("DELETE FROM warehouse.etl_run WHERE run_id = 'notes'")
