"""What a run says of its rows: counts add up, a broken count stops it, changes name the measure."""

from datetime import date

from checks import blocked, of_the_columns, of_the_load, of_the_run, of_the_schema
from runlog import Counts, difference

DAY = date(2026, 1, 1)


def stats(state: str, name: str | None, inputs: int, rows: int | None = None, copies: int = 0) -> dict:
    return {"state": state, "day": DAY, "name": name, "rows": inputs if rows is None else rows, "inputs": inputs, "copies": copies}


def findings(rows: list[dict], expected: int, unit: str = "rows") -> tuple[list[str], dict[str, int]]:
    counts = Counts(*(sum(row["inputs"] for row in rows if row["state"] == state) for state in ("good", "quarantined", "excluded")))
    found = of_the_run(rows, counts, expected, unit)
    return [finding.name for finding in blocked(found)], {f.name: f.value for f in found if f.severity == "info"}


def test_named_rows_are_counted_by_name():
    rows = [stats("good", None, 10, copies=2), stats("excluded", "zero_price", 3), stats("quarantined", "bad_time: event_time", 1)]
    stopped, info = findings(rows, 14)
    assert stopped == []
    assert info == {"exact_copies": 2, "excluded:zero_price": 3, "quarantined:bad_time": 1}


def test_rows_that_ingest_counted_and_spark_did_not_stop_the_run():
    assert findings([stats("good", None, 10)], 11)[0] == ["run.rows_in_is_the_ingest_count"]


def test_the_archive_is_counted_by_its_rows_not_by_its_messages():
    assert findings([stats("good", None, 10, rows=25)], 25, "archived rows")[0] == []


def test_a_file_that_is_mostly_refused_stops_the_run():
    rows = [stats("good", None, 4), stats("quarantined", "bad_time: event_time", 6)]
    assert findings(rows, 10)[0] == ["run.few_rows_quarantined"]


def test_a_row_held_back_is_a_warning():
    rows = [stats("good", None, 9), stats("quarantined", "bad_time: event_time", 1)]
    found = {one.name: one for one in of_the_run(rows, Counts(9, 1, 0), 10, "rows")}["run.nothing_quarantined"]
    assert (found.severity, found.passed, found.value) == ("warning", False, 1)


def test_a_column_that_is_twice_in_a_header_stops_the_run():
    drift = {"dropped": [], "repeated": ["till.csv: pieces"], "retyped": [], "added": []}
    (found,) = blocked(of_the_schema(drift))
    assert (found.name, found.detail) == ("schema.no_column_twice", "till.csv: pieces")
    assert blocked(of_the_schema(drift | {"repeated": []})) == []


def test_a_column_that_hardly_a_row_has_as_declared_stops_the_run_by_its_name():
    rows = [stats("good", None, 5), stats("quarantined", "bad_money: price", 95)]
    stopped = blocked(of_the_columns(rows, 100))
    assert [(f.name, f.value) for f in stopped] == [("schema.no_column_retyped", 95)]
    assert "bad_money: price in 95 of 100 rows" in stopped[0].detail
    assert blocked(of_the_columns([stats("good", None, 95), stats("quarantined", "bad_money: price", 5)], 100)) == []


def test_a_staging_table_that_misses_rows_stops_the_run():
    assert [f.name for f in blocked(of_the_load({"fct_order": 5}, {"fct_order": 4}))] == ["run.fct_order_is_whole"]


def test_changes_name_the_measure_before_and_after():
    assert difference({"orders": 1, "units": 2}, {"orders": 1, "units": 3}) == {"units": [2, 3]}
    assert difference(None, {"orders": 1}) == {}
    assert difference({"orders": 1}, {}) == {"orders": [1, None]}
