"""Each refused record is in the dead-letter topic with its reason and its place, and counted under it."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from shop_events import event, purchase
from stream_world import stop

from ecommerce import events, shops

pytestmark = pytest.mark.servers


def wire(**changes) -> bytes:
    fields = {**json.loads(events.encode(event(event_time=datetime.now(UTC)))), **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def test_every_reason_is_kept_and_counted(world):
    now = datetime.now(UTC)
    bad = {
        "not_json": b'{"event_id": ',
        "too_large": b'{"page": "' + b"x" * events.MAX_BYTES + b'"}',
        "unknown_version": wire(schema_version=2),
        "unknown_shop": wire(shop_id="nobody"),
        "unknown_event": wire(event_name="dance"),
        "missing_field": wire(client_id=None),
        "bad_type": wire(items="none"),
        "bad_money": wire(event_name="add_to_cart", items=[{"item_id": "A", "price": 1.5, "quantity": 1}]),
        "bad_time": wire(event_time=(now + timedelta(hours=1)).isoformat()),
        "currency_mismatch": wire(currency="USD"),
    }
    first = purchase("T1", event_time=now)
    second = msgspec.structs.replace(first, event_id="00000000-0000-4000-8000-000000000001")
    assert set(bad) | {"duplicate_order"} == set(events.Reason)
    world.send([*bad.values(), first, second])
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0

    kept = {headers["reason"]: (headers, value) for headers, value in world.dead_letters()}
    assert {reason: value for reason, (_, value) in kept.items()} == {**bad, "duplicate_order": events.encode(second)}
    assert all(headers["topic"] == world.settings.kafka_topic and headers["detail"] for headers, _ in kept.values())
    places = [(headers["partition"], headers["offset"]) for headers, _ in kept.values()]
    assert len(set(places)) == len(places)
    totals = world.snapshot("demo", shops.shop("demo").day_of(now))["totals"]
    apart = {"not_json", "too_large", "unknown_shop"}
    assert totals["refused"] == dict.fromkeys((set(bad) | {"duplicate_order"}) - apart, 1)
    assert totals["received"] == totals["counted"] + sum(totals["refused"].values())
    unattributed = world.redis.hgetall("live:1:unattributed")
    assert unattributed == {b"received": b"3", **{f"refused:{reason}".encode(): b"1" for reason in apart}}


def test_every_kind_of_damage_is_kept(world):
    sound = wire()
    damaged = {
        "deep nesting": sound[:-1] + b', "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        "NUL, escaped": wire(page="\x00"),
        "NUL, raw": sound.replace(b'"event_id"', b'"event_id\x00"'),
        "UTF-16": sound.decode().encode("utf-16"),
        "Latin-1": wire(page="/").replace(b'"/"', b'"/caf\xe9"'),
        "not UTF-8 where nobody reads": sound[:-1] + b', "x": "\xff"}',
        "huge integer": wire(schema_version=10**400),
        "a name twice": sound[:-1] + b', "currency": "USD"}',
        "NaN": sound[:-1] + b', "x": NaN}',
        "no bytes": b"",
    }
    world.send([sound, *damaged.values(), wire(event_id="00000000-0000-4000-8000-000000000002")])
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    assert {value for _, value in world.dead_letters()} == set(damaged.values())
    assert world.snapshot("demo", shops.shop("demo").day_of(datetime.now(UTC)))["totals"]["counted"] == 2


def test_a_huge_record_is_kept_in_part(world):
    world.send([b"x" * 1_000_000])
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    ((headers, value),) = world.dead_letters()
    assert (headers["reason"], headers["size"], len(value)) == ("too_large", "1000000", 900_000)
