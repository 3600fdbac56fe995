"""No more of a source's rows are moved than must be."""

import pytest
import staging

pytestmark = pytest.mark.servers


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
