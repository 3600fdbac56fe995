"""The batch job dies at any instant, many times while it publishes: readers see the old day or the new one, whole."""

from random import Random

from drills.drill import Change, Control, Drill, Size
from drills.warehouse_world import VERSIONS, WarehouseWorld

JOB = "spark/jobs/batch_processing.py"
WITHOUT_A_TRANSACTION = Change(JOB, "        with connection.transaction():\n", "        if True:\n")
PUBLISHING_SECONDS = 3


def run(world: WarehouseWorld, size: Size) -> None:
    dice = Random(14)
    with world.under_a_reader(last=VERSIONS[0]):
        for number in range(size.times):
            job = world.start(VERSIONS[number % 2])
            if number % 4 == 0:
                job.until(lambda: False, 6 * dice.random())
            else:
                job.until(lambda job=job: job.reaches("load"))
                job.until(lambda: False, PUBLISHING_SECONDS * dice.random())
            job.kill()
        world.recoveries.append(world.publish(VERSIONS[0]))


DRILL = Drill(
    number=14,
    name="loader-killed",
    broken="SIGKILL of the batch job, mostly while it publishes",
    run=run,
    full=Size(0, 50),
    quick=Size(0, 6),
    control=Control("the one transaction of publication", (WITHOUT_A_TRANSACTION,)),
    world="warehouse",
    lane="batch",
)
