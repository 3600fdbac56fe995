"""What decides on a batch row besides the row itself: its line, earlier copies of its event, an earlier event of its order."""

from datetime import UTC, date, datetime

import judging
import pyarrow as pa
import pytest

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("event_id", "event_name", "transaction_id", "_reason", "_excluded", "_raw")]
    + [("event_time", pa.timestamp("us", tz="UTC")), ("item_index", pa.int32()), ("_part", pa.date32()), ("_number", pa.int32()), ("_line", pa.int64())]
)  # fmt: skip
DAY = date(2026, 1, 5)


def row(event_id: str | None, line: int, **more) -> dict:
    sound = {
        "event_name": "page_view",
        "_part": DAY,
        "_number": 0,
        "item_index": 0,
        "event_time": datetime(2026, 1, 5, 12, line, tzinfo=UTC),
    }
    return {**sound, "event_id": event_id, "_line": line, **more}


def order(event_id: str, line: int, transaction_id: str | None = "T1", **more) -> dict:
    return row(event_id, line, **{"event_name": "purchase", "transaction_id": transaction_id, "_raw": f"text {line}", **more})


def judged(*rows: dict) -> list[tuple[str | None, int, str | None]]:
    """(event, line, what became of it) of each row, in the order of the lake."""
    halves = [pa.RecordBatch.from_pylist(list(some), SCHEMA) for some in (rows[: len(rows) // 2], rows[len(rows) // 2 :])]
    judge = judging.judged(judging.lines_and_copies, judging.one_event_an_order, judging.in_order_of_time)
    found = [row for batch in judge(iter(halves)) for row in batch.to_pylist()]
    return [(one["event_id"], one["_line"], one["_reason"] or one["_excluded"]) for one in found]


def test_the_first_accepted_row_of_an_event_counts_and_its_copies_are_excluded():
    given = [row("b", 3), row("a", 2), row("a", 1, _reason="bad_time: event_time"), row("a", 4)]
    assert judged(*given) == [("a", 1, "bad_time: event_time"), ("a", 2, None), ("b", 3, None), ("a", 4, "duplicate_event")]


def test_all_lines_of_an_event_are_accepted_together():
    assert judged(order("a", 1), order("a", 1, item_index=1), order("a", 2)) == [
        ("a", 1, None),
        ("a", 1, None),
        ("a", 2, "duplicate_event"),
    ]


def test_a_line_is_refused_as_a_whole_with_its_text():
    given = [
        order("a", 1),
        order("a", 1, item_index=1, _reason="bad_money: price"),
        order("a", 1, item_index=2, _reason="bad_type: quantity"),
    ]
    assert judged(*given) == [("a", 1, "bad_type: quantity")] * 3
    judge = judging.judged(judging.lines_and_copies)
    (batch,) = judge([pa.RecordBatch.from_pylist([{**given[0], "_raw": None}, *given[1:]], SCHEMA)])
    assert batch["_raw"].to_pylist() == ["text 1"] * 3


def test_two_events_of_one_line_are_judged_apart():
    assert judged(row("a", 1, _reason="unknown_event: event_name"), row("b", 1)) == [("a", 1, "unknown_event: event_name"), ("b", 1, None)]


def test_rows_without_an_event_are_no_copies_of_each_other():
    given = [row(None, line, _reason="missing_field: event_id") for line in (1, 2)]
    assert judged(*given) == [(None, 1, "missing_field: event_id"), (None, 2, "missing_field: event_id")]


def test_a_second_event_of_an_order_is_refused_and_names_the_first():
    given = [
        order("late", 5),
        order("first", 1),
        order("late", 5, item_index=1),
        order("other", 2, "T2"),
        row("view", 3, transaction_id="T1"),
    ]
    assert judged(*given) == [
        ("first", 1, None),
        ("other", 2, None),
        ("view", 3, None),
        ("late", 5, "duplicate_order: counted by event first"),
        ("late", 5, "duplicate_order: counted by event first"),
    ]


def test_an_order_that_was_refused_or_excluded_is_not_the_first():
    given = [
        order("refused", 1, _reason="bad_money: price"),
        order("left", 2, _excluded="test_order"),
        order("counts", 3),
        order("counts", 4),
    ]
    assert [found[2] for found in judged(*given)] == ["bad_money: price", "test_order", None, "duplicate_event"]


@pytest.mark.parametrize("name", ["purchase", "refund"])
def test_only_purchases_are_one_an_order(name):
    found = judged(order("a", 1, event_name=name), order("b", 2, event_name=name))
    assert [verdict is None for _, _, verdict in found] == [True, name == "refund"]


def test_a_purchase_without_an_order_is_left_to_its_own_reason():
    given = [order(event_id, line, None, _reason="missing_field: transaction_id") for event_id, line in (("a", 1), ("b", 2))]
    assert [found[2] for found in judged(*given)] == ["missing_field: transaction_id"] * 2


def test_days_are_judged_apart():
    tomorrow = {"_part": date(2026, 1, 6), "event_time": datetime(2026, 1, 6, tzinfo=UTC)}
    assert judged(row("a", 2, **tomorrow), row("a", 1), row("a", 3)) == [("a", 1, None), ("a", 3, "duplicate_event"), ("a", 2, None)]


def test_files_come_before_lines():
    assert judged(row("a", 1, _number=1), row("a", 9)) == [("a", 1, "duplicate_event"), ("a", 9, None)]


def test_nothing_gives_nothing():
    assert judged() == []
    assert list(judging.judged(judging.lines_and_copies)(iter([]))) == []
