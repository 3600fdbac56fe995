"""Measure the stream against raw Kafka and against what else a user could take: `make bench-stream`."""

from __future__ import annotations

import argparse
import sys

from benchmarks.stream import extras, report, rows, screen, traffic
from benchmarks.stream.world import running
from ecommerce.errors import PlatformError

PARTS = ("rows", "together", "catch_up", "growth", "producer", "screen")


def main() -> int:
    """Exit code 0 when everything was measured and written, whether or not a goal was met."""
    parser = argparse.ArgumentParser(prog="make bench-stream", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 events, one round; the report goes to var/bench-stream")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, metavar="PART", help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--row", help="of the rows, ours and those whose name holds this")
    arguments = parser.parse_args()
    quick, only = arguments.quick, arguments.only
    events, partitions = (100_000, 4) if quick else (1_000_000, 4)
    found: dict = {"events": events, "partitions": partitions}
    with running() as world:
        rows.say(f"sending {events:,} events")
        topic = world.filled("bench", events, traffic.Mix(), partitions)
        if "rows" in only:
            wanted = (arguments.row or "").lower()
            found["rows"] = rows.measure(
                world, topic, events, 1 if quick else 5, lambda row: row is rows.OURS or wanted in row.name.lower()
            )
        if "together" in only:
            found["together"] = extras.together(world, topic, events // 2)
        if "catch_up" in only:
            found["catch_up"] = extras.catch_up(world, topic, events, quick)
        world.drop(topic)
        if "growth" in only:
            found["growth"] = extras.growth(world, 20_000 if quick else 50_000)
        if "producer" in only:
            found["producer"] = extras.producer(world, 5, 1 if quick else 3)
        if "screen" in only:
            found["screen"] = screen.latencies(world, [100, 1_000, 5_000], 4 if quick else 6)
    rows.say(f"written: {report.write(found, quick or only != PARTS)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PlatformError as error:
        print(f"bench-stream: {error}", file=sys.stderr)
        sys.exit(1)
