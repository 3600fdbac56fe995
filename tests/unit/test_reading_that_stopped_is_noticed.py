"""A partition that stands still while records wait is noticed; one that moves, or has nothing to read, is not."""

from ecommerce.stall_watch import LOOKS, StallWatch


def looks(watch, *pairs):
    """What the last of several looks at partition 0 says."""
    return [watch.stalled({0: position}, {0: end}) for position, end in pairs][-1]


def test_standing_still_with_records_waiting_is_a_stall():
    assert looks(StallWatch(), *[(10, 50_000)] * (LOOKS + 1)) == [0]


def test_it_takes_several_looks():
    assert looks(StallWatch(), *[(10, 50_000)] * LOOKS) == []


def test_moving_on_is_none():
    assert looks(StallWatch(), *[(place, 50_000) for place in range(20)]) == []


def test_the_end_of_the_log_is_none():
    assert looks(StallWatch(), *[(10, 10)] * 20) == []


def test_a_move_begins_the_count_anew():
    assert looks(StallWatch(), *[(10, 99)] * LOOKS, (11, 99), (11, 99)) == []


def test_the_ends_are_asked_for_when_something_stands():
    watch = StallWatch()
    assert not watch.unmoved({0: 10})
    watch.stalled({0: 10, 1: 4}, {})
    assert not watch.unmoved({0: 11, 1: 5})
    assert watch.unmoved({0: 11, 1: 4})


def test_only_the_partition_that_stands_is_named():
    watch = StallWatch()
    for place in range(LOOKS + 2):
        found = watch.stalled({0: 10, 1: place, 3: 7}, {0: 20, 1: 20, 3: 7})
    assert found == [0]


def test_joining_again_forgets():
    watch = StallWatch()
    assert looks(watch, *[(10, 99)] * (LOOKS + 1)) == [0]
    watch.forget()
    assert looks(watch, (10, 99)) == []
