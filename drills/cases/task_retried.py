"""Every Spark task that loads rows fails once after its commit, and is tried again: it adds nothing twice."""

from drills.drill import Change, Control, Drill, Size
from drills.warehouse_world import VERSIONS, WarehouseWorld

LOAD = "spark/jobs/load.py"
FAILS_AFTER_ITS_COMMIT = Change(
    LOAD,
    "chain([first], batches))\n",
    "chain([first], batches))\n"
    "            if TaskContext.get().attemptNumber() == 0:\n"
    '                raise RuntimeError("this task fails after its commit")\n',
)
ANOTHER_TASK_EACH_TIME = Change(
    LOAD, "task = TaskContext.get().partitionId()", "task = TaskContext.get().partitionId() + 100_000 * TaskContext.get().attemptNumber()"
)


def run(world: WarehouseWorld, size: Size) -> None:
    with world.under_a_reader(last=VERSIONS[(size.times - 1) % 2]):
        for number in range(size.times):
            code = world.start(VERSIONS[number % 2]).wait()
            if code:
                world.differences.append(f"the run was not published (exit code {code})")


DRILL = Drill(
    number=16,
    name="task-retried",
    broken="a run in which each loading task fails once after its commit",
    run=run,
    full=Size(0, 5),
    quick=Size(0, 2),
    fault=(FAILS_AFTER_ITS_COMMIT,),
    control=Control("the removal of a task's own rows before it loads", (ANOTHER_TASK_EACH_TIME,)),
    world="warehouse",
    lane="batch",
)
