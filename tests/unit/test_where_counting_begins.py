"""Where a partition is counted from: the stored offset, else the archive and then Kafka; what neither holds is an incident."""

import pytest

from ecommerce.archived_log import Span
from ecommerce.live import StateError
from ecommerce.refill import Bounds, Plan, plan


@pytest.mark.parametrize(
    ("stored", "bounds", "counted", "span", "expected"),
    [
        (7, Bounds(0, 10), 7, Span(0, 9), Plan(7, 7)),
        (None, Bounds(0, 10), None, None, Plan(0, 0)),
        (None, Bounds(5, 10), None, None, Plan(5, 5)),
        (None, Bounds(0, 10), 8, Span(0, 9), Plan(0, 8)),
        (None, Bounds(0, 10), 9, Span(0, 6), Plan(0, 6)),
        (None, Bounds(4, 10), None, Span(0, 9), Plan(0, 4)),
        (None, Bounds(4, 6), 9, Span(0, 9), Plan(0, 6)),
        (2, Bounds(4, 10), 3, Span(0, 9), Plan(2, 4)),
        (2, Bounds(4, 10), 8, Span(1, 9), Plan(2, 8)),
    ],
)
def test_the_archive_up_to_what_was_counted_then_kafka(stored, bounds, counted, span, expected):
    assert plan("t 0", stored, bounds, counted, span) == expected


@pytest.mark.parametrize(
    ("stored", "bounds", "counted", "span", "incident"),
    [
        (2, Bounds(4, 10), 2, None, "offset_gone"),
        (2, Bounds(4, 10), 2, Span(0, 3), "offset_gone"),
        (2, Bounds(4, 10), 2, Span(3, 9), "offset_gone"),
        (None, Bounds(4, 10), 2, None, "offset_gone"),
        (None, Bounds(4, 10), 8, Span(0, 3), "offset_gone"),
        (11, Bounds(4, 10), 8, None, "log_truncated"),
    ],
)
def test_what_nobody_holds_is_refused_with_a_remedy(stored, bounds, counted, span, incident):
    with pytest.raises(StateError, match="--new-generation") as refused:
        plan("t 0", stored, bounds, counted, span)
    assert refused.value.incident == incident


def test_a_gap_can_be_accepted_where_the_state_is_begun_anew():
    assert plan("t 0", None, Bounds(4, 10), 8, Span(0, 3), accept_gap=True) == Plan(4, 4)
