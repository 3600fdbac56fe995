"""The consumer dies at any instruction; its successor goes on at the offset that was stored with the counts."""

from random import Random

from drills.controls import AT_LEAST_ONCE
from drills.drill import Control, Drill, Size
from drills.traffic import records, shop_days
from drills.world import World

SECONDS_A_KILL = 4


def run(world: World, size: Size) -> None:
    dice = Random(1)
    world.send(records(shop_days()), size.events, rate=size.events / (size.times * SECONDS_A_KILL))
    consumer = world.start("consumer")
    for number in range(size.times):
        world.wait_applied(int(size.events * (number + dice.random()) / (size.times + 1)))
        world.hold_for(dice.random() / 2)  # any instant, not the one after a step
        with world.broken():
            consumer.kill()


DRILL = Drill(
    number=1,
    name="consumer-killed",
    broken="SIGKILL of the consumer",
    run=run,
    full=Size(1_000_000, 50),
    quick=Size(60_000, 4),
    control=Control("the offset in the counting step and the memory of counted ids", AT_LEAST_ONCE),
)
