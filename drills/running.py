"""From a drill to its result: start the world, let the case break it, wait for quiet, compare, in a folder of its own."""

from __future__ import annotations

import shutil
import time
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from drills import bench as benches
from drills import verdict
from drills.bench import Bench
from drills.controls import copy_with
from drills.drill import Drill, Size
from drills.errors import CannotRun, DrillFailed
from drills.warehouse_world import WarehouseWorld
from drills.world import World
from ecommerce.config import PROJECT_DIR

MOST_MEMORY = 300 << 20


@dataclass
class Result:
    """What came of one run. ``differences`` is empty when all is exact; ``error`` says why there is no verdict."""

    drill: Drill
    size: Size
    control: bool
    acked: int = 0
    shop_days: int = 0
    slowest: float = 0
    memory: int = 0
    seconds: float = 0
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    skipped: str = ""

    @property
    def as_expected(self) -> bool:
        """A drill is exact; its control is seen to fail; either may be skipped where the machine cannot run it."""
        if self.skipped:
            return True
        return not self.error and bool(self.differences) == self.control


def run(drill: Drill, size: Size, control: bool, folder: Path, shared: Bench | None) -> Result:
    """Run ``drill``, or its control, on the servers of ``shared`` where it can use them, else on its own."""
    result, began = Result(drill, size, control), time.monotonic()
    place = folder / f"{drill.name}{'-control' if control else ''}-{uuid.uuid4().hex[:6]}"
    place.mkdir(parents=True)
    changes = (*drill.fault, *(drill.control.changes if control else ()))
    code = copy_with(changes, place / "code") if changes else PROJECT_DIR
    try:
        with ExitStack() as stack:
            if drill.world == "warehouse":
                _run_in_warehouse(stack.enter_context(WarehouseWorld(place, code)), result)
            else:
                bench = (
                    shared if shared and not drill.small_disk else stack.enter_context(benches.running(place / "bench", drill.small_disk))
                )
                _run_in(stack.enter_context(World(bench, place, code)), result)
    except CannotRun as why:
        result.skipped = str(why)
    except DrillFailed as why:
        result.error = str(why)
    except Exception as why:  # one drill's trouble must not cost the others their results
        traceback.print_exc()
        result.error = f"{type(why).__name__}: {why}"
    finally:
        result.seconds = time.monotonic() - began
    if result.as_expected:
        shutil.rmtree(place)
    else:
        result.notes.append(f"its folder is kept: {place}")
    return result


def _run_in(world: World, result: Result) -> None:
    drill = result.drill
    drill.run(world, result.size)
    if drill.waits_for_quiet:
        world.wait_quiet()
    truth = world.truth()
    result.acked, result.shop_days = truth.records, len(truth.days)
    result.slowest, result.memory, result.notes = max(world.recoveries, default=0.0), world.largest_consumer, world.notes
    result.differences = [*world.differences, *verdict.differences(truth, world.redis, world.settings)]
    if world.largest_consumer > MOST_MEMORY:
        result.differences.append(f"the consumer took {world.largest_consumer >> 20} MiB; at most {MOST_MEMORY >> 20}")


def _run_in_warehouse(world: WarehouseWorld, result: Result) -> None:
    result.drill.run(world, result.size)
    result.slowest, result.notes, result.differences = max(world.recoveries, default=0.0), world.notes, world.differences


def run_all(drills: list[Drill], quick: bool, kinds: tuple[bool, ...], folder: Path, show: Callable[[Result], None]) -> list[Result]:
    """Each drill in ``kinds`` (False: itself, True: its control, always at the quick size; controls last), by number.

    The lanes run beside one another, each on servers of its own, the drills of a lane one after another.
    """
    lanes = {name: [drill for drill in drills if drill.lane == name] for name in dict.fromkeys(drill.lane for drill in drills)}

    def run_lane(name: str) -> list[Result]:
        results: list[Result] = []
        shares = any(drill.world == "stream" and not drill.small_disk for drill in lanes[name])
        with benches.running(folder / f"bench-{name}") if shares else nullcontext() as shared:
            for control, drill in product(kinds, lanes[name]):
                results.append(run(drill, drill.quick if quick or control else drill.full, control, folder, shared))
                show(results[-1])
        return results

    with ThreadPoolExecutor(len(lanes)) as pool:
        found = [result for lane in pool.map(run_lane, lanes) for result in lane]
    return sorted(found, key=lambda result: (result.drill.number, result.control))
