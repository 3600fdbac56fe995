"""One record in ten is no event: each is refused for its reason, kept as it came, and disturbs no other."""

import json
from collections.abc import Callable, Iterable, Iterator
from random import Random

from drills.controls import COUNTING
from drills.drill import Change, Control, Drill, Size
from drills.traffic import Record, Refusal, records, shop_days
from drills.truth import local_day
from drills.world import World

SHARE = 0.1


def _with(**fields: object) -> Callable[[dict], bytes]:
    return lambda event: json.dumps({**event, **fields}).encode()


def _without(field: str) -> Callable[[dict], bytes]:
    return lambda event: json.dumps({name: value for name, value in event.items() if name != field}).encode()


def _dear(event: dict) -> bytes:
    return _with(event_name="add_to_cart", items=[{"item_id": "x", "price": "-1.00", "quantity": 1}])(event)


KINDS: tuple[tuple[str, Callable[[dict], bytes], str], ...] = (
    ("not_json", lambda event: json.dumps(event).encode()[:-1], ""),
    ("not_json", lambda event: b"\xff\xfe" + json.dumps(event).encode("utf-16-le"), ""),
    ("too_large", _with(page="x" * 70_000), ""),
    ("unknown_version", _with(schema_version=9), "its day"),
    ("unknown_shop", _with(shop_id="nobody"), ""),
    ("unknown_event", _with(event_name="teleport"), "its day"),
    ("missing_field", _without("client_id"), "its day"),
    ("bad_type", _with(session_id=7), "its day"),
    ("bad_money", _dear, "its day"),
    ("currency_mismatch", _with(currency="XXX"), "its day"),
)
"""Reason, how it is made of a valid event, and whether a shop-day can be told."""


def poisoned(source: Iterable[Record], dice: Random) -> Iterator[Record]:
    """``source`` with a bad record before about every ninth: each kind as often, each with an id of its own."""
    number = 0
    for record in source:
        if dice.random() < SHARE / (1 - SHARE):
            reason, spoil, place = KINDS[number % len(KINDS)]
            number += 1
            event = json.loads(record.value)
            day = local_day(event["shop_id"], event["event_time"][:16])
            yield Record(record.key, spoil(event), Refusal(reason, event["shop_id"], day) if place else Refusal(reason))
        yield record


def run(world: World, size: Size) -> None:
    world.send(poisoned(records(shop_days()), Random(8)), size.events)
    world.start("consumer")


DRILL = Drill(
    number=8,
    name="poison",
    broken="one record in ten bad, ten kinds",
    run=run,
    full=Size(300_000, 0),
    quick=Size(30_000, 0),
    control=Control(
        "the dead-letter topic: what is refused is dropped",
        (Change(COUNTING, "self.state.begin(claim, batch, keep_refused)", "self.state.begin(claim, batch, lambda refused: None)"),),
    ),
)
