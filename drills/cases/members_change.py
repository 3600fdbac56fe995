"""Consumers join and leave all the time, some without a word: each partition has one writer, who knows where it stands."""

from random import Random

from drills.controls import AT_LEAST_ONCE
from drills.drill import Control, Drill, Size
from drills.programs import Kept
from drills.traffic import records, shop_days
from drills.world import World

RATE = 2000
NAMES = ("one", "two", "three", "four")


def run(world: World, size: Size) -> None:
    dice, members = Random(11), {}
    traffic = world.send(records(shop_days()), rate=RATE)
    members["one"] = world.start("consumer", "--name", "one")
    for _ in range(size.times):
        _toggle(world, members, dice)
        world.hold_for(size.seconds)
    with world.broken():
        for name in set(NAMES) - members.keys():
            members[name] = world.start("consumer", "--name", name)
    world.wait(lambda: all(member.said("counting partitions") for member in members.values()), "all four count", world.applied)
    traffic.stop()


def _toggle(world: World, members: dict[str, Kept], dice: Random) -> None:
    """One of the four that is not there joins, or one that is leaves: with SIGTERM or with SIGKILL. One always stays."""
    name = dice.choice(NAMES)
    if name not in members:
        members[name] = world.start("consumer", "--name", name)
    elif len(members) > 1:
        members.pop(name).close(kill=dice.random() < 0.5)


DRILL = Drill(
    number=11,
    name="members-change",
    broken="a consumer joins or leaves",
    run=run,
    full=Size(0, 60, 5),
    quick=Size(0, 6, 4),
    control=Control("the offset in the counting step and the memory of counted ids", AT_LEAST_ONCE),
)
