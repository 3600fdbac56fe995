"""More than half of a thousand records in a row refused is a stop; less is not."""

import pytest

from ecommerce.refusal_guard import RefusalGuard


def run(guard, pattern, size=100):
    """Whether the guard trips on ``pattern`` (True: refused), taken in batches."""
    return any(
        guard.trips(len(part), [place for place, bad in enumerate(part) if bad])
        for part in (pattern[at : at + size] for at in range(0, len(pattern), size))
    )


@pytest.mark.parametrize("size", [1, 7, 1000, 5000])
def test_more_than_half_of_a_thousand(size):
    assert not run(RefusalGuard(), [True, False] * 5000, size)
    assert not run(RefusalGuard(), [True] * 500 + [False] * 5000, size)
    assert run(RefusalGuard(), [False] * 3000 + [True] * 501 + [False] * 3000, size)


def test_less_than_a_thousand_records_say_nothing():
    assert not run(RefusalGuard(), [True] * 999)
    assert run(RefusalGuard(), [True] * 1000)


def test_a_tenth_of_poison_is_no_reason():
    assert not run(RefusalGuard(), ([True] + [False] * 9) * 2000)


def test_after_a_stop_few_bad_records_are_enough_until_a_window_is_sound():
    assert run(RefusalGuard(strict=True), [True] * 3)
    guard = RefusalGuard(strict=True)
    assert not run(guard, [False] * 1000)
    assert not guard.recovering
    assert not run(guard, [True] * 300)


def test_what_an_operator_accepted_passes_until_a_window_is_sound():
    guard = RefusalGuard(strict=True, accepted=True)
    assert not run(guard, [True] * 5000)
    assert guard.recovering
    assert not run(guard, [False] * 1000)
    assert not guard.recovering
    assert run(guard, [True] * 1000)
