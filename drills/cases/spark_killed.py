"""Spark's driver dies under a batch job: the job fails, the old day stays, and the next run publishes the whole new one."""

from random import Random

from drills.drill import Change, Control, Drill, Size
from drills.warehouse_world import VERSIONS, WarehouseWorld

DELETES_FIRST = Change(
    "spark/jobs/batch_processing.py",
    '    job.timings.end("prepare")\n',
    '    job.timings.end("prepare")\n    warehouse.replace_days(connection, tables, output.days)\n',
)


def run(world: WarehouseWorld, size: Size) -> None:
    dice = Random(15)
    with world.under_a_reader(last=VERSIONS[0]):
        for number in range(size.times):
            job = world.start(VERSIONS[number % 2])
            job.until(lambda job=job: job.reaches("stage"))
            job.until(lambda: False, 3 * dice.random())
            world.spark.kill()
            job.wait()
            world.restart_spark()
        world.recoveries.append(world.publish(VERSIONS[0]))


DRILL = Drill(
    number=15,
    name="spark-killed",
    broken="SIGKILL of Spark's driver under a batch job",
    run=run,
    full=Size(0, 20),
    quick=Size(0, 3),
    control=Control("the staging tables: the day is deleted, then loaded", (DELETES_FIRST,)),
    world="warehouse",
    lane="batch",
)
