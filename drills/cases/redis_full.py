"""Redis takes no more writes: the consumer waits with the batch in its hand, and its memory stays bounded."""

from drills.controls import COUNTING, NEVER_LOOKS_AGAIN, NO_OFFSET_CHECK
from drills.drill import Change, Control, Drill, Size
from drills.traffic import records, shop_days
from drills.world import World

SKIPS_WHAT_REDIS_REFUSES = Change(
    COUNTING,
    "            self.servers.on_redis(once)\n",
    "            try:\n                once()\n            except RedisError:\n                claim.next = batch.next\n",
)

KNOWS_THE_ERROR = Change(COUNTING, "from kafka import TopicPartition\n", "from kafka import TopicPartition\nfrom redis import RedisError\n")


def run(world: World, size: Size) -> None:
    world.send(records(shop_days()), size.events)
    consumer = world.start("consumer")
    for number in range(size.times):
        world.wait_applied(size.events * (number + 1) // (size.times + 2))
        with world.broken() as mending:
            world.redis.config_set("maxmemory", world.redis.info("memory")["used_memory"])
            mending.callback(world.redis.config_set, "maxmemory", 0)
            world.wait_stalled()
            world.hold_for(size.seconds)
    world.notes.append(f"{consumer.said('waiting for Redis')} times the consumer said that it waits")


DRILL = Drill(
    number=5,
    name="redis-full",
    broken="Redis at maxmemory",
    run=run,
    full=Size(300_000, 5, 10),
    quick=Size(80_000, 2, 2),
    control=Control(
        "the wait: a batch that Redis refuses is skipped", (SKIPS_WHAT_REDIS_REFUSES, KNOWS_THE_ERROR, NO_OFFSET_CHECK, NEVER_LOOKS_AGAIN)
    ),
)
