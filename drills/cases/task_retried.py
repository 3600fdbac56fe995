"""Every Spark task that loads rows fails once after its commit, and is tried again: it adds nothing twice."""

from drills.drill import Change, Control, Drill, Size
from drills.warehouse_world import VERSIONS, WarehouseWorld

FAILS = """if TaskContext.get().attemptNumber() == 0:
{0}    raise RuntimeError("this task fails after its commit")
"""
LOADS = {
    "spark/jobs/load.py": ("chain([first], batches)})[name]\n", 12),
    "spark/jobs/factwriter.py": ("for name, table in tables.items()})\n", 8),
}
FAIL_AFTER_THEIR_COMMIT = tuple(
    Change(path, line, f"{line}{' ' * indent}{FAILS.format(' ' * indent)}") for path, (line, indent) in LOADS.items()
)
ANOTHER_TASK_EACH_TIME = Change(
    "spark/jobs/factwriter.py", "context.partitionId(), {name", "context.partitionId() + 100_000 * context.attemptNumber(), {name"
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
    fault=FAIL_AFTER_THEIR_COMMIT,
    control=Control("the removal of a task's own rows before it loads", (ANOTHER_TASK_EACH_TIME,)),
    world="warehouse",
    lane="batch",
)
