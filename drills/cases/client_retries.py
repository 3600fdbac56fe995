"""One event in twenty comes again under the same event_id, at once or much later: it counts once."""

from collections.abc import Iterable, Iterator
from random import Random

from drills.controls import NO_DEDUPE
from drills.drill import Control, Drill, Size
from drills.traffic import Record, records, shop_days
from drills.world import World

SHARE = 0.05


def retried(source: Iterable[Record], dice: Random) -> Iterator[Record]:
    """``source`` with about every twentieth record again, after up to ten thousand others."""
    kept: dict[int, list[Record]] = {}
    for number, record in enumerate(source):
        yield record
        yield from kept.pop(number, ())
        if dice.random() < SHARE:
            later = number + int(10 ** (4 * dice.random()))
            kept.setdefault(later, []).append(record)


def run(world: World, size: Size) -> None:
    world.send(retried(records(shop_days()), Random(9)), size.events)
    world.start("consumer")


DRILL = Drill(
    number=9,
    name="client-retries",
    broken="one event in twenty sent again by the client",
    run=run,
    full=Size(300_000, 0),
    quick=Size(40_000, 0),
    control=Control("the memory of counted ids", (NO_DEDUPE,)),
)
