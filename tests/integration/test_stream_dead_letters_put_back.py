"""Dead letters are listed, repaired, and put back once; what comes back counts once."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from shop_events import event, purchase
from stream_world import stop, wait_until

from ecommerce import events, replay_letters, shops

pytestmark = pytest.mark.servers


def wire(made, **changes) -> bytes:
    fields = {**json.loads(events.encode(made)), **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def test_repaired_letters_count_once(world):
    now = datetime.now(UTC)
    day = shops.shop("demo").day_of(now)
    good, order = event(event_time=now), purchase("T1", event_time=now)
    without_id = wire(event(event_time=now), event_id=None)
    world.send([good, wire(order, currency="USD"), wire(order, currency="USD"), without_id, without_id, b"{"])
    consumer = world.start("consumer")
    world.wait_applied()
    settings = replace(world.settings, kafka_user="operator")
    found = replay_letters.listed(settings)
    assert sorted(one.letter.reason for one in found) == [
        "currency_mismatch",
        "currency_mismatch",
        "missing_field",
        "missing_field",
        "not_json",
    ]

    tried = replay_letters.replay(settings, fix="currency=EUR", dry_run=True)
    assert (tried.sent, dict(tried.again)) == (4, {"not_json": 1})
    outcome = replay_letters.replay(settings, "currency_mismatch", "merge(@, {currency: 'EUR'})")
    assert (outcome.sent, outcome.before) == (2, 0)
    outcome = replay_letters.replay(settings, fix="currency=EUR")
    assert (outcome.sent, outcome.before, dict(outcome.again)) == (2, 2, {"not_json": 1})
    world.sent += 4
    world.wait_applied()
    wait_until(lambda: world.snapshot("demo", day)["totals"]["received"] == 9, what="what was put back")
    found = world.snapshot("demo", day)
    assert found["measures"]["orders"] == 1
    assert found["totals"]["counted"] == 3
    assert found["totals"]["duplicates"] == 2
    assert replay_letters.replay(settings, fix="currency=EUR").sent == 0
    assert stop(consumer) == 0


def test_the_operator_may_do_no_more(world):
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    reader = KafkaConsumer(
        **replace(world.settings, kafka_user="operator").kafka_options, enable_auto_commit=False, request_timeout_ms=5000
    )
    place = TopicPartition(world.settings.kafka_topic, 0)
    reader.assign([place])
    world.send([event()])
    reader.seek(place, 0)
    with pytest.raises(KafkaError):
        wait_until(lambda: reader.poll(500), what="a record or a refusal")
    reader.close()


def test_what_is_asked_wrongly_is_said_clearly(world):
    with pytest.raises(replay_letters.ReplayError, match="is no JMESPath"):
        replay_letters.replay(world.settings, fix="merge(@")
    with pytest.raises(replay_letters.ReplayError, match="the reasons are not_json"):
        replay_letters.listed(world.settings, "boring")
    with pytest.raises(replay_letters.ReplayError, match="no dead letter 7"):
        replay_letters.show(world.settings, 7)
