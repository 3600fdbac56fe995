"""Redis dies with the last of its append-only file unwritten: counts and offsets go back together."""

import os
from pathlib import Path
from random import Random

from drills.controls import NEVER_LOOKS_AGAIN, NO_OFFSET_CHECK
from drills.drill import Control, Drill, Size
from drills.traffic import records, shop_days
from drills.world import World

MOST_CUT = 200_000


def _cut(path: Path, written: int, dice: Random) -> int:
    """Take up to MOST_CUT of the bytes ``written`` last off the file's end; how many."""
    size = path.stat().st_size
    cut = dice.randint(1, max(1, min(written, MOST_CUT)))
    os.truncate(path, size - cut)
    return cut


def run(world: World, size: Size) -> None:
    dice, lost = Random(3), 0
    world.send(records(shop_days()), size.events)
    world.start("consumer")
    for number in range(size.times):
        world.wait_applied(int(size.events * (number + 0.3 + 0.7 * dice.random()) / (size.times + 1)))
        with world.broken() as mending:
            aof = world.redis.info("persistence")
            world.redis_server.hold()
            mending.callback(world.redis_server.release)
            world.redis_server.kill()
            lost += _cut(world.settings.var_dir / "redis" / "appendonly.aof", aof["aof_current_size"] - aof["aof_base_size"], dice)
    world.notes.append(f"{lost:,} bytes of the append-only file were cut off")


DRILL = Drill(
    number=3,
    name="redis-killed",
    broken="SIGKILL of Redis and the tail of its append-only file cut off",
    run=run,
    full=Size(300_000, 10),
    quick=Size(60_000, 3),
    control=Control("the compared offset", (NO_OFFSET_CHECK, NEVER_LOOKS_AGAIN)),
)
