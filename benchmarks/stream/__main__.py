"""Measure the stream against raw Kafka and against what else a user could take: `make bench-stream`.

With ``--only`` the other parts on the page are those of earlier runs, kept in var/bench-stream.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import traceback
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.stream import extras, report, rows, screen, traffic
from benchmarks.stream.world import FOLDER, running
from ecommerce.errors import PlatformError

PARTS = ("rows", "producer", "screen", "catch_up", "together", "growth")


def main() -> int:
    """Exit code 0 when everything was measured, whether or not a goal was met; what was measured is written in any case."""
    parser = argparse.ArgumentParser(prog="make bench-stream", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 events, one round; the report goes to var/bench-stream")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, metavar="PART", help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--row", help="of the rows, ours and those whose name holds this; docs/benchmarks.md stays as it is")
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the topic; the page says how many (default: %(default)s)")
    arguments = parser.parse_args()
    quick, only = arguments.quick, arguments.only
    events, partitions = (100_000, 4) if quick else (arguments.events, 4)
    kept = FOLDER / f"found-{'quick' if quick or arguments.row else 'full'}.pickle"
    found: dict = {**_earlier(kept, only), "events": events, "partitions": partitions, "failed": {}}
    wanted = (arguments.row or "").lower()
    with running() as world:
        rows.say(f"sending {events:,} events")
        topic = world.filled("bench", events, traffic.Mix(), partitions)

        def write() -> Path:
            kept.write_bytes(pickle.dumps({part: found[part] for part in (*PARTS, "at") if part in found}))
            return report.write(found, quick or bool(arguments.row))

        parts = {
            "rows": lambda: rows.measure(
                world,
                topic,
                events,
                1 if quick else 5,
                lambda row: row is rows.OURS or wanted in row.name.lower(),
                lambda rounds: found.update(rows=rounds) or write(),
            ),
            "together": lambda: extras.together(world, topic, events // 2),
            "catch_up": lambda: extras.catch_up(world, topic, events),
            "growth": lambda: extras.growth(world, events // 10),
            "producer": lambda: extras.producer(world, 5, 1 if quick else 3),
            "screen": lambda: screen.latencies(world, [100, 1_000, 5_000], 4 if quick else 6),
        }
        for name in PARTS:
            if name in only:
                measure(found, name, parts[name])
                page = write()
    rows.say(f"written: {page}")
    return 1 if found["failed"] else 0


def _earlier(kept: Path, only: Collection[str]) -> dict:
    """What earlier runs of the same size measured, but for the parts ``only`` that are measured now."""
    found = pickle.loads(kept.read_bytes()) if kept.exists() else {}
    return {name: value for name, value in found.items() if name not in only}


def measure(found: dict, name: str, part: Callable[[], object]) -> None:
    """Take in what ``part`` measures; what fails is told, here and on the page, and does not cost the other parts."""
    try:
        found[name] = part()
        found.setdefault("at", {})[name] = datetime.now(UTC).date()
    except Exception as error:
        traceback.print_exc()
        found["failed"][name] = str(error).splitlines()[0] if str(error) else type(error).__name__


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PlatformError as error:
        print(f"bench-stream: {error}", file=sys.stderr)
        sys.exit(1)
