"""A step that was sent and not waited for counts as one that was: once, with copies, lost answers and forgotten scripts."""

import pytest
from shop_events import NOON, SHOP, event

from ecommerce.live import Accepted, Batch, LiveState, LiveWriter, Origin, Stale

pytestmark = pytest.mark.servers

ORIGIN = Origin("cluster", "shop.events", "topic-1")


@pytest.fixture
def writer(redis):
    return LiveWriter(redis, ORIGIN, {"demo": SHOP})


def batch(claim, *events):
    first = claim.next
    return Batch(claim.partition, first, first + len(events), [Accepted(first + i, e) for i, e in enumerate(events)], [])


def totals(redis):
    return LiveState(redis).snapshot(SHOP, NOON.date())["totals"]


def nothing(refused):
    assert not refused


def test_steps_of_two_partitions_are_under_way_together(redis, writer):
    claims = [writer.claim(number, 0) for number in (0, 1)]
    steps = [writer.begin(claim, batch(claim, event(), event()), nothing) for claim in claims]
    for step in reversed(steps):
        writer.finish(step)
    assert [claim.next for claim in claims] == [2, 2]
    assert totals(redis)["counted"] == 4


def test_a_copy_that_redis_knows_is_told_at_the_end(redis, writer):
    claim, copy = writer.claim(0, 0), event()
    writer.apply(claim, batch(claim, copy), nothing)
    writer.finish(writer.begin(claim, batch(claim, copy, event()), nothing))
    assert (totals(redis)["counted"], totals(redis)["duplicates"]) == (2, 1)


def test_a_redis_that_has_forgotten_the_script_gets_it_again(redis, writer):
    claim = writer.claim(0, 0)
    redis.script_flush()
    writer.finish(writer.begin(claim, batch(claim, event()), nothing))
    assert totals(redis)["counted"] == 1


def test_a_lost_answer_counts_once(redis, writer):
    claim = writer.claim(0, 0)
    writer.apply(claim, batch(claim, event()), nothing)  # the script is loaded
    wanted = batch(claim, event())
    step = writer.begin(claim, wanted, nothing)
    assert step.connection.read_response() == [b"applied"]
    writer._drop(step)
    writer.apply(claim, wanted, nothing)
    assert claim.next == 2
    assert totals(redis)["counted"] == 2


def test_one_whose_partition_was_taken_meanwhile_changes_nothing(redis, writer):
    claim = writer.claim(0, 0)
    LiveWriter(redis, ORIGIN, {"demo": SHOP}).claim(0, 0)
    step = writer.begin(claim, batch(claim, event()), nothing)
    with pytest.raises(Stale):
        writer.finish(step)
    assert totals(redis)["received"] == 0
