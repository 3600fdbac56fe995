"""Warnings that quote orders lose the orders of a person who is erased, and keep those of others."""

import psycopg
import pytest

from ecommerce import erasure_stores
from ecommerce.config import settings
from ecommerce.erasure_terms import ERASED, Person

pytestmark = pytest.mark.servers
PERSON = Person("newcomer", "c1", transactions={"T-9"})
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
