"""The log itself is gone, as a whole or at its beginning: the consumer names it and refuses, rather than count on silently."""

from contextlib import closing, suppress

from kafka.errors import KafkaError

from drills import verdict
from drills.controls import ANY_OFFSET, NEVER_LOOKS_AGAIN
from drills.drill import Change, Control, Drill, Size
from drills.errors import DrillFailed
from drills.programs import Kept
from drills.traffic import records, shop_days
from drills.truth import Truth
from drills.world import World
from ecommerce import topics

REMEDY = "--new-generation"
TAKES_ANY_LOG = (
    Change("ecommerce/live/writer.py", "            if header[name] != value:\n", "            if False:\n"),
    Change("ecommerce/refill.py", "    if stored is not None and stored > end:\n", "    if False:\n"),
    Change("ecommerce/stream.py", '"auto_offset_reset": "none"', '"auto_offset_reset": "earliest"'),
    ANY_OFFSET,
    NEVER_LOOKS_AGAIN,
)


def _as_counted(world: World, when: str) -> None:
    """The live state is still, or again, what was acknowledged."""
    found = verdict.differences(Truth().add(world.traffic.acknowledged()), world.redis, world.settings)
    world.differences += [f"{when}: {problem}" for problem in found]


def _refused(world: World, consumer: Kept, words: str, what: str) -> None:
    """The consumer has ended by itself, and again when it was started again, saying why and what to do."""

    def has_refused() -> bool:
        return len(consumer.exit_codes) > 1 or world.quiet()

    with suppress(DrillFailed):  # one that neither refuses nor goes on is told below
        world.wait(has_refused, f"{what}: the consumer refuses")
    if set(consumer.exit_codes) != {1} or not consumer.said(words) or not consumer.said(REMEDY):
        world.differences.append(f"{what}: the consumer went on (exit codes {consumer.exit_codes}) without saying {words!r}")
    consumer.close(kill=True)


def _made_again(world: World, events: int) -> None:
    """Delete the topic and make it again under a consumer that counts it."""
    world.send(records(shop_days()), events)
    consumer = world.start("consumer")
    world.wait_quiet()
    with closing(world.admin()) as admin:
        admin.delete_topics([world.settings.kafka_topic])
        world.wait(lambda: world.settings.kafka_topic not in admin.list_topics(), "the topic is gone")
    world.wait(lambda: _is_made(world), "the topic is there again")
    counted, following = world.traffic, world.send(records(shop_days()), events // 2)  # ends elsewhere than the log before
    _refused(world, consumer, "the same log", "topic made again")
    world.traffic = counted
    _as_counted(world, "after the topic was made again")
    world.traffic = following


def _is_made(world: World) -> bool:
    """Make the topic, unless Kafka is still deleting the one before."""
    try:
        topics.prepare(world.settings)
    except KafkaError:
        return False
    return True


def _counted_anew(world: World) -> None:
    """The remedy that the message names: the new topic is counted from its beginning."""
    consumer = world.start("consumer", REMEDY)
    world.wait_quiet()
    consumer.close()
    _as_counted(world, "after the new topic was counted")


def _retention_passes(world: World, events: int) -> None:
    """While no consumer runs, records that it has not counted leave the log."""
    counted = world.traffic
    world.send(records(shop_days()), events)
    world.wait(lambda: not world.traffic.is_alive(), "everything sent")
    world.forget({number: end - 10 for number, end in world.ends().items()})
    world.traffic = counted
    _refused(world, world.start("consumer"), "the log begins at", "retention")


def run(world: World, size: Size) -> None:
    _made_again(world, size.events // 3)
    _counted_anew(world)
    _retention_passes(world, size.events // 3)


DRILL = Drill(
    number=12,
    name="log-lost",
    broken="topic deleted and made again; retention passes the stored offset",
    run=run,
    full=Size(150_000, 0),
    quick=Size(24_000, 0),
    control=Control("the refusal: the consumer takes any log, and jumps to where it begins", TAKES_ANY_LOG),
    waits_for_quiet=False,
    success="refuses, by name; the numbers stay",
)
