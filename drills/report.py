"""Results as lines for a terminal, and as the page docs/drills.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from drills.drill import Drill
from drills.running import Result

HEAD = """\
# Drills

Written by `make drills`. A drill starts its own Kafka, ZooKeeper and Redis, sends seeded traffic, breaks something
while it flows, waits until everything sent is counted, and compares every measure of every shop-day with a recount of
what Kafka acknowledged, in decimals and sets, with none of the consumer's code: sums exact, estimates within three
standard errors, received = counted + duplicates + refused + late, and every refused record in the dead-letter topic.
The programs come back as the supervisor brings them back; nobody helps. Recovery is the time from the moment what was
broken is there again (or was killed, where nothing mends it) until records are applied again; 90 s fail the drill.

Each drill has a control: the same drill at its quick size, on a copy of the code with the guarantee taken out, must
be seen to fail. One drill: `ecommerce drill NAME [--quick] [--control]`; the list: `ecommerce drill --list`.
"""
COLUMNS = "| | drill | broken | records | shop-days | result | slowest recovery | consumer's memory | took |\n|--:|---|---|--:|--:|---|--:|--:|--:|\n"
CONTROLS = "\n## Controls\n\n| | drill | without | what is seen |\n|--:|---|---|---|\n"


def line(result: Result) -> str:
    """One line on one run."""
    head = f"{result.drill.number:>2} {result.drill.name}"
    if result.control:
        return f"{head}, without {result.drill.control.without}: {_seen(result)} ({result.seconds:.0f} s){_notes(result)}"
    compared = f", {result.acked:,} records acknowledged, {result.shop_days} shop-days compared" if _is_of_the_stream(result) else ""
    memory = f", consumer {result.memory >> 20} MiB" if _is_of_the_stream(result) else ""
    more = f"slowest recovery {_recovery(result)}{memory}, {result.seconds:.0f} s"
    return f"{head}: {_outcome(result)}; {_broken(result)}{compared}, {more}{_notes(result)}"


def page(results: Iterable[Result], chosen: Iterable[Drill]) -> str:
    """docs/drills.md: a table of the ``chosen`` drills and one of their controls, "not run" where there is no result."""
    done = {(result.drill.name, result.control): result for result in results}
    drills, controls, notes = [], [], []
    for drill in sorted(chosen, key=lambda drill: drill.number):
        found, control = done.get((drill.name, False)), done.get((drill.name, True))
        drills.append(row(found) if found else _row(drill.number, drill.name, drill.broken, "–", "–", "not run", "–", "–", "–"))
        controls.append(_row(drill.number, drill.name, drill.control.without, _seen(control) if control else "not run"))
        notes += [f"- {drill.name}: {'; '.join(found.notes)}." for found in [found] if found and found.notes]
    body = [HEAD, "\n", COLUMNS, *drills, CONTROLS, *controls]
    return "".join([*body, "\n## What else was seen\n\n" + "\n".join(notes) + "\n" if notes else ""])


def row(result: Result) -> str:
    """The drill's line of the table."""
    stream = _is_of_the_stream(result)
    facts = (
        f"{result.acked:,}" if stream else "–",
        result.shop_days if stream else 1,
        _outcome(result),
        _recovery(result),
        f"{result.memory >> 20} MiB" if stream else "–",
        f"{result.seconds:.0f} s",
    )
    return _row(result.drill.number, result.drill.name, _broken(result), *facts)


def _is_of_the_stream(result: Result) -> bool:
    """The batch drills send no records and have no consumer: they compare one shop-day of the warehouse."""
    return result.drill.world == "stream"


def write(path: Path, results: Iterable[Result], chosen: Iterable[Drill]) -> None:
    path.write_text(page(results, chosen), encoding="utf-8")


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _broken(result: Result) -> str:
    times, seconds = result.size.times, result.size.seconds
    lasting = f", {seconds:g} s each" if result.drill.shows_seconds else ""
    quick = " (quick size)" if result.size == result.drill.quick and not result.control else ""
    return result.drill.broken + (f", {times} times{lasting}" if times else "") + quick


def _outcome(result: Result) -> str:
    if result.skipped:
        return f"not run: {result.skipped}"
    if result.error:
        return f"FAILED: {result.error}"
    return f"NOT EXACT: {_first(result)}" if result.differences else result.drill.success


def _recovery(result: Result) -> str:
    return f"{result.slowest:.1f} s" if result.slowest else "–"


def _notes(result: Result) -> str:
    return "".join(f"; {note}" for note in result.notes)


def _first(result: Result) -> str:
    more = len(result.differences) - 1
    return result.differences[0] + (f" (and {more} more)" if more else "")


def _seen(result: Result) -> str:
    if result.skipped or result.error:
        return _outcome(result)
    return f"fails: {_first(result)}" if result.differences else "NOT SEEN TO FAIL: the drill proves nothing"
