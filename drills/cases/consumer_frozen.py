"""Of two consumers one is silent for longer than the group waits; when it wakes, it still believes in its partitions."""

from drills.controls import NEVER_LOOKS_AGAIN, NO_DEDUPE, NO_OFFSET_CHECK, NO_WRITER_CHECK
from drills.drill import Control, Drill, Size
from drills.traffic import records, shop_days
from drills.world import World

RATE = 2000


def _writers(world: World) -> set[str]:
    """The processes that own partitions, as Redis knows them."""
    return {writer.rpartition(":")[2] for writer in world.writers().values()}


def run(world: World, size: Size) -> None:
    traffic = world.send(records(shop_days()), rate=RATE)
    pair = world.start("consumer", "--name", "one"), world.start("consumer", "--name", "two")
    world.wait(lambda: len(_writers(world)) == 2, "two consumers share the partitions")
    for number in range(size.times):
        frozen = pair[number % 2]
        with world.broken() as mending:
            frozen.freeze()
            mending.callback(frozen.thaw)
            world.wait(lambda: len(_writers(world)) == 1, "the other consumer took all partitions")
        world.wait(lambda: len(_writers(world)) == 2, "both consumers own partitions again")
    traffic.stop()
    world.notes.append(f"{sum(one.said('has another writer') for one in pair)} times a writer found itself replaced")


DRILL = Drill(
    number=2,
    name="consumer-frozen",
    broken="SIGSTOP of one of two consumers past its session's time-out",
    run=run,
    full=Size(0, 20),
    quick=Size(0, 3),
    lane="waiting",
    control=Control(
        "the fence, the compared offset and the memory of counted ids", (NO_WRITER_CHECK, NO_OFFSET_CHECK, NO_DEDUPE, NEVER_LOOKS_AGAIN)
    ),
)
