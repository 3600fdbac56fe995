"""What the driver publishes while Spark computes: calls follow one another, and none outlives the block that it was given in."""

import threading

import psycopg
import pytest
from background import Background

from ecommerce import warehouse

pytestmark = pytest.mark.servers


@pytest.fixture
def loader(postgres):
    with warehouse.connect() as connection:
        yield connection


def test_calls_follow_one_another_and_the_block_waits_for_them(loader):
    with loader.transaction(), Background(loader) as background:
        first = background.do(lambda: loader.execute("SELECT pg_sleep(0.2), 1").fetchone()[1])
        second = background.do(lambda: first.result() + loader.execute("SELECT 1").fetchone()[0])
    assert second.done()
    assert second.result() == 2


def test_a_call_that_fails_lets_none_follow_and_fails_the_block(loader):
    later = []

    def block():
        with loader.transaction(), Background(loader) as background:
            background.do(loader.execute, "SELECT 1 / 0")
            background.do(later.append, "called")

    with pytest.raises(psycopg.errors.DivisionByZero):
        block()
    assert later == []


def test_a_block_that_fails_cancels_what_runs_and_leaves_the_connection_usable(loader):
    began, calls = threading.Event(), []

    def long_work():
        loader.execute("SELECT 1")
        began.set()
        loader.execute("SELECT pg_sleep(600)")

    def block():
        with loader.transaction(), Background(loader) as background:
            calls.append(background.do(long_work))
            began.wait()
            raise KeyError

    with pytest.raises(KeyError):
        block()
    assert isinstance(calls[0].exception(), psycopg.errors.QueryCanceled)
    assert loader.execute("SELECT 2").fetchone() == (2,)
