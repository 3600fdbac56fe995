"""What a drill is: a case that breaks something, at two sizes, and the same case without the guarantee."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class Size(NamedTuple):
    """How many events are sent (0: as many as come while it lasts), how often something is broken, and for how long each time."""

    events: int
    times: int
    seconds: float = 0


class Change(NamedTuple):
    """A text of one file of the product, which occurs there once, and what stands in its place in the control."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Control:
    """The drill without its guarantee: ``without`` says in words what is switched off, ``changes`` do it in a copy of the code."""

    without: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Drill:
    """One drill. ``run`` breaks and mends; sending, waiting for quiet and the verdict are the framework's.

    ``run`` gets a World or a WarehouseWorld, by ``world``. ``fault`` is in the code that runs, with and without the
    guarantee. ``broken`` says what is done ``Size.times`` times; ``small_disk`` asks for a Kafka on a disk of so many MiB;
    drills of another ``lane`` run beside one another; a drill that ends with a consumer which rightly refuses to start does not wait for quiet.
    """

    number: int
    name: str
    broken: str
    run: Callable[[Any, Size], None]
    full: Size
    quick: Size
    control: Control
    world: Literal["stream", "warehouse"] = "stream"
    fault: tuple[Change, ...] = ()
    small_disk: int = 0
    waits_for_quiet: bool = True
    lane: Literal["stream", "waiting", "batch"] = "stream"
    shows_seconds: bool = False
    success: str = "exact"
