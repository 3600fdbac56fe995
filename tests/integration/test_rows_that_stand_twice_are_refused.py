"""A row that is staged twice stops publication by the name of its check: found by the primary key on a new day, by a query on a published one."""

from datetime import UTC, date, datetime

import checks
import marts
import psycopg
import pytest
from psycopg import sql
from psycopg.errors import UniqueViolation
from publishing import Publishing

from ecommerce import warehouse
from ecommerce.shops import shop

pytestmark = pytest.mark.servers
SHOP, DAY = "newcomer", date(2026, 1, 5)
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
NAME = "facts.sessions_are_unique"
SESSION = """
INSERT INTO {} (shop_id, date, session_id, started_at, ended_at, page_views, item_views, add_to_carts, checkouts, orders, _task)
SELECT %s, %s, 's', %s, %s, 1, 0, 0, 0, 0, 0 FROM generate_series(1, %s)"""


@pytest.fixture
def loader(postgres):
    """The connection of a run, in a transaction that is taken back."""
    with warehouse.connect() as connection, connection.transaction(force_rollback=True):
        yield connection


def publish(connection: psycopg.Connection, run_id: str, times: int, asked: list[marts.Check]) -> list[checks.Finding]:
    """Publish a day with one session, staged ``times`` times."""
    found: list[checks.Finding] = []
    staging = warehouse.create_staging(connection, run_id, SHOP, ["fct_session"])
    connection.execute(sql.SQL(SESSION).format(staging.identifier("fct_session")), (SHOP, DAY, AT, AT, times))
    with connection.transaction():
        Publishing(connection, staging, shop("demo"), [DAY], asked, found).both({"fct_session": times})
    return found


def published(connection: psycopg.Connection) -> list[str]:
    """The run of each session that is published."""
    return [run for (run,) in connection.execute("SELECT run_id FROM warehouse.fct_session WHERE shop_id = %s", (SHOP,))]


def asked() -> list[marts.Check]:
    return [check for check in marts.fact_checks() if check.name == NAME]


def statements(monkeypatch) -> list[str]:
    """The names of checks that are run as queries from now on."""
    run, said = checks._run, []
    monkeypatch.setattr(checks, "_run", lambda connection, check, names: (said.append(check.name), run(connection, check, names))[1])
    return said


@pytest.mark.parametrize("known", [False, True], ids=["new day", "published day"])
def test_a_session_that_is_staged_twice_is_named_and_not_published(loader, known):
    if known:
        publish(loader, "old", 1, asked())
    with pytest.raises(checks.Blocked, match=f"{NAME} on {DAY}: 2 .session s."):
        publish(loader, "new", 2, asked())
    assert published(loader) == (["old"] if known else [])


@pytest.mark.parametrize(("known", "run"), [(False, []), (True, [NAME])], ids=["new day", "published day"])
def test_on_a_new_day_the_key_alone_looks_at_the_rows_and_the_check_is_noted(loader, monkeypatch, known, run):
    if known:
        publish(loader, "old", 1, asked())
    queries = statements(monkeypatch)
    found = publish(loader, "new", 1, asked())
    assert [(one.name, one.passed) for one in found if one.name == NAME] == [(NAME, True)]
    assert queries == run


def test_control_without_the_check_a_new_day_is_refused_without_a_name(loader):
    with pytest.raises(UniqueViolation):
        publish(loader, "new", 2, [])


def test_control_without_the_query_a_published_day_hides_the_second_row(loader):
    publish(loader, "old", 1, asked())
    publish(loader, "new", 2, [])
    assert published(loader) == ["old"]
