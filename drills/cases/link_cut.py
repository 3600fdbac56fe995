"""The network to Kafka or to Redis holds everything back: the last step is done and its answer never comes."""

from contextlib import closing

from drills.controls import NEVER_LOOKS_AGAIN, NO_DEDUPE, NO_OFFSET_CHECK
from drills.drill import Control, Drill, Size
from drills.proxy import Link
from drills.world import World
from ecommerce.local.servers import free_port

RATE = 500


def run(world: World, size: Size) -> None:
    redis_port = free_port()
    through = {"kafka_bootstrap": f"127.0.0.1:{world.bench.before}", "redis_port": redis_port}
    with (
        closing(Link(world.bench.before, world.bench.behind)) as kafka,
        closing(Link(redis_port, world.settings.redis_port)) as redis,
    ):
        traffic = world.produce(RATE, **through)
        world.start("consumer", **through)
        for number in range(size.times):
            world.wait_applied((world.applied() or 0) + 2 * RATE)
            with world.broken() as mending:
                for link in ((redis,), (kafka,), (kafka, redis))[number % 3]:
                    link.cut()
                    mending.callback(link.mend)
                world.hold_for(size.seconds)
        traffic.stop()
        world.wait_quiet()


DRILL = Drill(
    number=7,
    name="link-cut",
    broken="the link to Kafka, to Redis or to both cut",
    run=run,
    full=Size(0, 20, 30),
    quick=Size(0, 3, 4),
    shows_seconds=True,
    lane="waiting",
    control=Control("the compared offset and the memory of counted ids", (NO_OFFSET_CHECK, NO_DEDUPE, NEVER_LOOKS_AGAIN)),
)
