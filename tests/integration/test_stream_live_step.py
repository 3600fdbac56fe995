"""The atomic step on a real Redis: everything of a batch or nothing, once, by the one writer whose turn it is."""

from datetime import date

import pytest
from shop_events import NOON, SHOP, event, purchase

from ecommerce.events import Item, Reason
from ecommerce.live import Accepted, Batch, LiveState, LiveWriter, Moved, Origin, Refusal, Stale, StateError, new_generation

pytestmark = pytest.mark.servers

SHOPS = {"demo": SHOP}
ORIGIN = Origin("cluster", "shop.events", "topic-1")
DAY = NOON.date()


class Log:
    """One partition's records in order, applied in batches; refusals are collected."""

    def __init__(self, redis, partition=0):
        self.redis, self.partition = redis, partition
        self.writer = LiveWriter(redis, ORIGIN, SHOPS)
        self.claim = self.writer.claim(partition, 0)
        self.refused = []

    def batch(self, events, refused=()):
        first = self.claim.next
        return Batch(
            self.partition, first, first + len(events) + len(refused), [Accepted(first + i, e) for i, e in enumerate(events)], list(refused)
        )

    def apply(self, *events, refused=()):
        return self.writer.apply(self.claim, self.batch(events, refused), self.refused.extend)


def snapshot(redis):
    return LiveState(redis).snapshot(SHOP, DAY)


def everything(redis):
    """The whole content of Redis, but for who writes."""
    return {key: redis.dump(key) for key in redis.scan_iter() if b"partition" not in key}


def test_a_batch_is_counted_in_every_measure(redis):
    log = Log(redis)
    log.apply(
        event(),
        event("view_item"),
        event("add_to_cart"),
        event("begin_checkout"),
        purchase("T1"),
        event("refund"),
        event(client_id="v2", session_id="s2"),
    )
    found = snapshot(redis)
    assert found["measures"] == {
        "page_views": 2, "item_views": 1, "add_to_carts": 1, "checkouts": 1, "orders": 1, "units": 2,
        "gross_revenue": "20.0000", "discounts": "1.5000", "refunds": "18.5000", "adjustments": "0.0000", "net_revenue": "0.0000",
        "tax": "3.0000", "shipping": "4.9000",
    }  # fmt: skip
    assert found["estimates"] == {"visitors": 2, "sessions": 2, "sessions_with_cart": 1, "sessions_with_order": 1}
    assert found["funnel"] == {"sessions": 2, "view_item": 1, "add_to_cart": 1, "begin_checkout": 1, "purchase": 1}
    assert found["hours"][14] == {"hour": "14:00", "events": 7, "orders": 1, "net_revenue": "0.0000"}
    assert found["minutes"][-1] == {
        "minute": "2026-06-01T12:00:00.000Z",
        "events": 7,
        "orders": 1,
        "gross_revenue": "20.0000",
        "net_revenue": "0.0000",
    }
    assert found["top_products"] == [{"item_id": "SKU-1", "item_name": "Mug", "units": 2, "gross_revenue": "20.0000"}]
    assert found["totals"] == {"received": 7, "counted": 7, "duplicates": 0, "late": 0, "refused": {}}
    assert found["last_event_at"] == "2026-06-01T12:00:00.000Z"
    assert {entry["event_name"] for entry in found["latest"]} == {"view_item", "add_to_cart", "begin_checkout", "purchase", "refund"}


def test_an_empty_day_is_all_zero(redis):
    found = snapshot(redis)
    assert (len(found["minutes"]), len(found["hours"]), found["last_event_at"], found["lag_ms"]) == (60, 24, None, None)
    assert found["measures"]["net_revenue"] == "0.0000"


def test_copies_in_later_batches_and_other_partitions_are_duplicates(redis):
    log, copy, order = Log(redis), event(), purchase("T1")
    log.apply(copy, order)
    log.apply(event(), copy, order, event())
    Log(redis, partition=1).apply(copy)
    assert snapshot(redis)["totals"] == {"received": 7, "counted": 4, "duplicates": 3, "late": 0, "refused": {}}
    assert snapshot(redis)["measures"]["gross_revenue"] == "20.0000"


def test_without_the_seen_ids_a_copy_would_count_twice(redis):
    """Negative control: it is the ids in Redis that make the test above pass."""
    log, order = Log(redis), purchase("T1")
    log.apply(order)
    redis.delete(*redis.keys("live:*:seen:*"), *redis.keys("live:*:transactions:*"))
    log.apply(order)
    assert snapshot(redis)["measures"]["orders"] == 2


def test_a_copy_with_another_time_is_still_a_duplicate(redis):
    log, copy = Log(redis), event()
    log.apply(copy)
    log.apply(event(minutes=47 * 60, event_id=copy.event_id))
    assert LiveState(redis).snapshot(SHOP, date(2026, 6, 3))["totals"]["duplicates"] == 1


def test_a_second_event_of_an_order_is_refused_before_the_offset_moves(redis):
    log, stored = Log(redis), []
    log.apply(purchase("T1"))
    log.writer.apply(
        log.claim, log.batch([purchase("T1"), purchase("T2")]), lambda refused: stored.append((refused, log.writer.stored(0)[1]))
    )
    ((refused, offset),) = stored
    assert ([refusal.reason for refusal in refused], offset) == ([Reason.DUPLICATE_ORDER], 1)
    assert snapshot(redis)["totals"]["refused"] == {"duplicate_order": 1}
    assert snapshot(redis)["measures"]["orders"] == 2


def test_a_batch_that_was_applied_already_is_not_applied_again(redis):
    log = Log(redis)
    batch = log.batch([event(), purchase("T1")])
    log.writer.apply(log.claim, batch, log.refused.extend)
    before = everything(redis)
    log.claim.next = 0
    log.writer.apply(log.claim, batch, log.refused.extend)
    assert everything(redis) == before
    assert log.claim.next == 2


def test_a_fenced_writer_changes_nothing(redis):
    old, new = Log(redis), Log(redis)
    before = everything(redis)
    with pytest.raises(Stale):
        old.apply(event())
    assert everything(redis) == before
    new.apply(event())
    assert new.claim.writer.startswith("2:")


def test_a_batch_that_does_not_begin_at_the_stored_offset_changes_nothing(redis):
    log = Log(redis)
    log.apply(event())
    with pytest.raises(Moved) as moved:
        log.writer.apply(log.claim, Batch(0, 5, 6, [Accepted(5, event())], []), log.refused.extend)
    assert moved.value.offset == 1
    assert snapshot(redis)["totals"]["received"] == 1


def test_watermarks_survive_a_change_of_writer(redis):
    Log(redis).apply(event(minutes=50 * 60))
    Log(redis).apply(event())
    assert snapshot(redis)["totals"] == {"received": 1, "counted": 0, "duplicates": 0, "late": 1, "refused": {}}


def test_lateness_is_each_partitions_own(redis):
    Log(redis).apply(event(minutes=50 * 60))
    Log(redis, partition=1).apply(event())
    assert snapshot(redis)["totals"]["counted"] == 1


@pytest.mark.parametrize(
    "kind", ["day", "hours", "minute", "distinct", "products:rank", "products:gross", "latest", "seen", "transactions"]
)
def test_a_damaged_key_stops_the_step_before_any_write(redis, kind):
    log = Log(redis)
    log.apply(purchase("T1"))
    (key, *_) = redis.keys(f"live:*:{kind}:*")
    redis.delete(key)
    redis.geoadd(key, (1, 2, "x")) if kind != "products:rank" else redis.set(key, "x")
    before = everything(redis)
    with pytest.raises(StateError, match=key.decode()):
        log.apply(purchase("T2"))
    assert everything(redis) == before
    assert log.writer.stored(0)[1] == 1


def test_a_full_redis_takes_the_batch_whole_later(redis):
    log = Log(redis)
    log.apply(event())
    batch, before = log.batch([purchase("T1")]), everything(redis)
    redis.config_set("maxmemory", 1)
    with pytest.raises(Exception, match="OOM"):
        log.writer.apply(log.claim, batch, log.refused.extend)
    assert everything(redis) == before
    redis.config_set("maxmemory", 0)
    log.writer.apply(log.claim, batch, log.refused.extend)
    assert snapshot(redis)["measures"]["orders"] == 1


def test_an_amount_that_would_overflow_is_refused_and_the_rest_counts(redis):
    log = Log(redis)
    huge = [Item("A", "9999999999999", 1)]
    log.apply(*(purchase(f"T{number}", items=huge) for number in range(100)))
    assert snapshot(redis)["measures"]["orders"] == 90
    log.apply(purchase("small"))
    found = snapshot(redis)
    assert found["totals"]["refused"] == {"bad_money": 10}
    assert found["measures"]["gross_revenue"] == "899999999999930.0000"
    assert {refusal.reason for refusal in log.refused} == {Reason.BAD_MONEY}


def test_refused_records_of_no_known_shop_are_counted_apart(redis):
    Log(redis).apply(event(), refused=[Refusal(1, Reason.NOT_JSON, "")])
    assert LiveState(redis).unattributed() == {"received": 1, "refused": {"not_json": 1}}
    assert snapshot(redis)["totals"]["received"] == 1


def test_a_large_batch_fits_one_call(redis):
    log = Log(redis)
    log.apply(
        *(purchase(f"T{i}", minutes=i / 60, client_id=f"v{i}", session_id=f"s{i}", items=[Item(f"SKU-{i}", "1", 1)]) for i in range(12_000))
    )
    found = snapshot(redis)
    assert found["measures"]["orders"] == 12_000
    assert abs(found["estimates"]["visitors"] - 12_000) < 3 * 0.0081 * 12_000


def test_everything_but_offsets_expires_and_an_old_day_lives_as_long(redis):
    log = Log(redis)
    log.apply(purchase("T1", event_time=NOON.replace(year=2019)))
    forever = {key for key in redis.scan_iter() if redis.ttl(key) < 0}
    assert forever == {b"live:header", b"live:1:partition:0"}
    assert redis.ttl(b"live:1:day:demo:2019-06-01") > 39 * 86400


def test_shops_are_told_of_every_change(redis):
    listener = redis.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("ecommerce:changed")
    listener.get_message(timeout=5)
    Log(redis).apply(event())
    assert listener.get_message(timeout=5)["data"] == b"demo"


def test_the_state_of_another_topic_is_not_touched(redis):
    Log(redis).apply(event())
    with pytest.raises(StateError, match=r"counts topic_id topic-1, Kafka now has topic-2.*--new-generation"):
        LiveWriter(redis, ORIGIN._replace(topic_id="topic-2"), SHOPS)
    assert new_generation(redis) == 2
    LiveWriter(redis, ORIGIN._replace(topic_id="topic-2"), SHOPS)
    assert snapshot(redis)["totals"]["received"] == 0
