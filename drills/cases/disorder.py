"""Events come shuffled, a day late, from 1970, 2999 and 9999: each is counted in its own day, or refused, or late."""

import json
from collections.abc import Iterable, Iterator
from random import Random

from uuid_utils import uuid4

from drills.drill import Change, Control, Drill, Size
from drills.traffic import Record, Refusal, records, shop_days
from drills.world import World

WINDOW = 20_000
LATE, STRAY = 0.05, 0.002
LATE_BY = 25_000
"""Records that a late one waits for: about half a day of all shops; with the window, up to a day."""


def _at(record: Record, time: str) -> bytes:
    return json.dumps({**json.loads(record.value), "event_id": str(uuid4()), "event_time": time}).encode()


def shuffled(source: Iterable[Record], dice: Random) -> Iterator[Record]:
    """``source`` in a random order within WINDOW, one in twenty much later, with strays of 1970, 2999 and 9999."""
    kept: list[Record] = []
    late: list[tuple[int, Record]] = []
    for number, record in enumerate(source):
        if dice.random() < LATE:
            late.append((number + LATE_BY, record))
        elif len(kept) < WINDOW:
            kept.append(record)
        else:
            place = dice.randrange(WINDOW)
            kept[place], record = record, kept[place]
            yield record
        while late and late[0][0] <= number:
            yield late.pop(0)[1]
        if dice.random() < STRAY:
            yield Record(record.key, _at(record, "1970-01-01T12:00:00Z"))
        if dice.random() < STRAY:
            future = _at(record, dice.choice(("2999-12-31T12:00:00Z", "9999-12-31T12:00:00Z")))
            yield Record(record.key, future, Refusal("bad_time", json.loads(record.value)["shop_id"]))


def run(world: World, size: Size) -> None:
    world.send(shuffled(records(shop_days()), Random(10)), size.events)
    world.start("consumer")


DRILL = Drill(
    number=10,
    name="disorder",
    broken="events shuffled, a day late, of 1970, 2999 and 9999",
    run=run,
    full=Size(300_000, 0),
    quick=Size(60_000, 0),
    control=Control(
        "the refusal of the future",
        (Change("ecommerce/events.py", "MAX_FUTURE = timedelta(minutes=5)", "MAX_FUTURE = timedelta(days=400_000)"),),
    ),
)
