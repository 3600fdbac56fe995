"""Rows that a run computes once are read again, not computed again; and no more of a source's rows are moved than must be."""

import connect
import pytest
import staging

pytestmark = pytest.mark.servers
COUNT = "SELECT count(*) FROM {events}"


def reads_what_is_kept(frame, capsys) -> bool:
    frame.explain()
    return "InMemoryTableScan" in capsys.readouterr().out


def test_a_mart_reads_the_facts_that_are_kept(session, capsys):
    events = session.range(3).selectExpr("CAST(id AS STRING) AS shop_id")
    with connect.kept(events), connect.named(session, {"events": events}) as views:
        assert reads_what_is_kept(session.sql(COUNT.format(**views)), capsys)
        assert reads_what_is_kept(session.sql(COUNT.format(**views)), capsys)


def test_control_a_frame_as_an_argument_of_sql_is_computed_again(session, capsys):
    events = session.range(3).selectExpr("CAST(id AS STRING) AS shop_id")
    with connect.kept(events):
        assert not reads_what_is_kept(session.sql(COUNT, events=events), capsys)


@pytest.mark.parametrize(
    ("moves", "query"),
    [
        (False, "SELECT upper(code) AS code FROM {raw} WHERE code > 'a'"),
        (True, "SELECT code, count(*) AS lines FROM {raw} GROUP BY code"),
        (True, "SELECT raw.code FROM {raw} AS raw JOIN {raw} AS other ON raw.code = other.code"),
    ],
)
def test_a_staging_that_moves_rows_is_known(session, moves: bool, query: str):
    raw = session.createDataFrame([("a",), ("b",)], "code STRING").repartition(2)
    assert staging._moves_rows(session.sql(query, raw=raw)) == moves
