"""The disk is full, under the lake or under Kafka: the archiver waits, the producer keeps its events; nothing is lost or twice."""

from pathlib import Path

from drills import archived
from drills.bench import small_disk
from drills.drill import Change, Control, Drill, Size
from drills.programs import Kept
from drills.world import World

RATE = 600
LAKE_MEBIBYTES, KAFKA_MEBIBYTES = 64, 384
ARCHIVER = "kafka_scripts/archiver.py"
PASSES_OVER = (
    Change(ARCHIVER, "lambda: self.archive.write(rows, self.ends), (OSError,)", "lambda: self._write_or_pass_over(rows), ()"),
    Change(
        ARCHIVER,
        "    def _commit(self) -> None:\n",
        "    def _write_or_pass_over(self, rows):\n"
        "        try:\n"
        "            return self.archive.write(rows, self.ends)\n"
        "        except OSError:\n"
        '            self.worker.say("not waiting for the lake")\n'
        "            return 0\n\n"
        "    def _commit(self) -> None:\n",
    ),
)


def _fill(folder: Path) -> Path:
    """Take all the room that is left on the file system of ``folder``."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return ballast


def _under_the_lake(world: World, archiver: Kept) -> None:
    waits = archiver.said("waiting for the lake")
    with world.broken(position=lambda: archived.rows(world.settings.lake_dir)) as mending:
        mending.callback(_fill(world.settings.lake_dir).unlink)
        world.wait(lambda: archiver.said("waiting for the lake") > waits, "the archiver waits for the lake")


def _under_kafka(world: World) -> None:
    ends = len(world.bench.kafka.exit_codes)
    with world.broken() as mending:
        mending.callback(_fill(world.bench.settings.var_dir / "kafka").unlink)
        world.wait(lambda: len(world.bench.kafka.exit_codes) > ends, "Kafka stops where it cannot write")


def run(world: World, size: Size) -> None:
    world.stack.enter_context(small_disk(world.settings.lake_dir, LAKE_MEBIBYTES))
    traffic = world.produce(RATE)
    world.start("consumer")
    archiver = world.start("archiver", "--flush-seconds", "1")
    for number in range(size.times):
        world.wait(lambda rows=archived.rows(world.settings.lake_dir): archived.rows(world.settings.lake_dir) > rows, "files in the lake")
        _under_the_lake(world, archiver) if number % 2 == 0 else _under_kafka(world)
    traffic.stop()
    world.wait_quiet()
    world.wait(lambda: archived.is_whole(world.settings, world.ends()), "everything archived, as far as the archive says")
    archiver.close()
    world.differences += archived.differences(world.settings.lake_dir, traffic.acknowledged())


DRILL = Drill(
    number=13,
    name="disk-full",
    broken="disk full, under the lake and under Kafka in turn",
    run=run,
    full=Size(0, 6),
    quick=Size(0, 2),
    control=Control("the archiver's wait: what cannot be written is passed over", PASSES_OVER),
    small_disk=KAFKA_MEBIBYTES,
)
