"""Redis is emptied under load: the live state comes back from the archive and the log, of which the log holds a part."""

from random import Random

from drills.controls import ANY_OFFSET, CLAIMING
from drills.drill import Change, Control, Drill, Size
from drills.traffic import records, shop_days
from drills.world import World

NO_ARCHIVE = Change(
    CLAIMING,
    "ArchivedLog(self.servers.config.lake_dir, self.log.topic_id)",
    'ArchivedLog(self.servers.config.lake_dir / "none", self.log.topic_id)',
)


def run(world: World, size: Size) -> None:
    dice = Random(4)
    world.send(records(shop_days()), size.events)
    world.start("consumer")
    world.start("archiver", "--flush-seconds", "1")
    for number in range(size.times):
        world.wait_applied(int(size.events * (number + 0.5 + dice.random() / 2) / (size.times + 1)))
        _forget_what_is_archived(world)
        with world.broken():
            world.redis.flushall()


def _forget_what_is_archived(world: World) -> None:
    """Retention: what the archiver has told Kafka, and the consumer too, leaves the log."""
    world.wait(lambda: any(world.committed(f"{world.settings.kafka_topic}.archiver").values()), "something archived")
    archived, counted = (world.committed(f"{world.settings.kafka_topic}.{group}") for group in ("archiver", "live"))
    world.forget({number: min(offset, counted.get(number, 0)) for number, offset in archived.items()})


DRILL = Drill(
    number=4,
    name="redis-flushed",
    broken="FLUSHALL under load, after retention took what is archived",
    run=run,
    full=Size(300_000, 5),
    quick=Size(60_000, 2),
    control=Control("the archive: the state is counted again from the log alone", (NO_ARCHIVE, ANY_OFFSET)),
)
