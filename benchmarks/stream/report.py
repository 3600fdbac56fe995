"""The section Stream of docs/benchmarks.md, written from what was measured."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.stream.extras import LIVE_RATE
from benchmarks.stream.rows import OURS, Row, median, ratios
from benchmarks.stream.world import Result
from ecommerce.config import PROJECT_DIR, settings

PAGE = PROJECT_DIR / "docs" / "benchmarks.md"
BEGIN, END = "<!-- stream: written by make bench-stream -->", "<!-- stream: end -->"
LIMITS = Path(__file__).parent / "limits.md"


def write(found: dict, quick: bool) -> Path:
    """Replace the section in the page, or add it; the rest of the page stays. Returns the file written."""
    page = PAGE if not quick else PROJECT_DIR / "var" / "bench-stream" / "benchmarks-quick.md"
    text = page.read_text() if page.exists() else "# Benchmarks\n\nEach section is written by the command that measures it.\n"
    section = f"{BEGIN}\n{_section(found)}\n{LIMITS.read_text().strip()}\n{END}"
    before, begins, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if begins else "\n"
    page.write_text(f"{before.rstrip()}\n\n{section}{after}")
    return page


def _section(found: dict) -> str:
    parts = ["## Stream", _how(found)]
    rows = found.get("rows", {})
    if rows:
        parts += [_ours(rows), _table(rows, "against"), _clients(rows)]
    for name, made in (("growth", _growth), ("catch_up", _catch_up), ("screen", _screen), ("together", _together), ("producer", _producer)):
        if name in found:
            parts.append(made(found[name]))
    parts += [f"**Not measured:** {name}: {why}" for name, why in found["failed"].items()]
    parts.append(_when(found))
    return "\n\n".join(part for part in parts if part) + "\n"


def _when(found: dict) -> str:
    """When each part was measured, where that was not in one run."""
    days = found.get("at", {})
    return f"Measured: {', '.join(f'{part} {day}' for part, day in days.items())}." if len(set(days.values())) > 1 else ""


def _how(found: dict) -> str:
    rounds = max((len(results) for results in found.get("rows", {}).values()), default=0)
    return (
        f"`make bench-stream` wrote this section on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Kafka 3.9 (one broker, SCRAM) and Redis 6.2 (append-only file on) "
        f"on loopback, {found['events']:,} events of the contract in {found['partitions']} partitions, zstd: visits of the simulated shop, "
        f"interleaved, no message twice. Each contender consumes from the beginning into an empty Redis; time is from its first records to its "
        f"last, start-up apart. A ratio compares two runs of one round; the table gives the median of {rounds} rounds. CPU is that of the "
        "contender's process; that of Redis stands beside it. This platform's consumer validates the contract, drops what was counted before, "
        "keeps its offsets in the same step and counts every measure of the live page; **the others do none of that**: they add up five "
        "aggregates (events by name, revenue, both by minute, distinct visitors, revenue by product) and would count a record again after a crash."
    )


def _ours(rows: dict[Row, list[Result]]) -> str:
    ours = rows[OURS]
    cost, redis = median(ours, "cost"), median(ours, "redis_cost")
    return (
        f"This platform's consumer, {ours[0].events:,} events a round: **{median(ours, 'rate'):,.0f} events/s**; {cost:.2f} µs of CPU an event in the consumer and {redis:.2f} µs in "
        f"Redis: {1e6 / cost:,.0f} events a CPU-second of the consumer, {1e6 / (cost + redis):,.0f} of both."
    )


def _table(rows: dict[Row, list[Result]], section: str) -> str:
    lines = [
        "| against | events | its rate, /s | its CPU + Redis, µs | ours is (rate) | least … most | ours is (CPU) | goal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, results in rows.items():
        if row is not OURS and row.section == section:
            rate, least, most, cpu = ratios(rows[OURS], results)
            goal = "" if row.goal is None else f"{row.goal:g}x: {'met' if rate >= row.goal else '**missed**'}"
            costs = f"{median(results, 'cost'):.1f} + {median(results, 'redis_cost'):.1f}"
            lines.append(
                f"| {row.name} | {results[0].events:,} | {median(results, 'rate'):,.0f} | {costs} | **{rate:.2f}x** | {least:.2f} … {most:.2f} | "
                f"{cpu:.2f}x | {goal} |"
            )
    return "\n".join(lines)


def _clients(rows: dict[Row, list[Result]]) -> str:
    table = _table(rows, "clients")
    return f"### Other clients\n\nThe same decode and atomic step behind another Kafka client, without groups and dead letters:\n\n{table}"


def _growth(found: dict[str, tuple[Result, float]]) -> str:
    lines = ["| events are | consumer, µs an event | Redis, µs an event | Redis memory, MiB |", "|---|---|---|---|"]
    for name, (result, memory) in found.items():
        lines.append(f"| {name} | {result.cost:.2f} | {result.redis_cost:.2f} | {memory:.1f} |")
    events = next(iter(found.values()))[0].events
    return (
        f"### As shops, products and visitors grow\n\nOne run of {events:,} events each. Most of the memory is the ids seen in the last 48 hours.\n\n"
        + "\n".join(lines)
    )


def _catch_up(found: tuple[int, float]) -> str:
    backlog, seconds = found
    return (
        f"### Catching up\n\nAfter {backlog / LIVE_RATE / 60:.1f} minutes down at {LIVE_RATE:,} events/s ({backlog:,} records behind), while {LIVE_RATE:,} events/s go on coming, a consumer that "
        f"starts is level after **{seconds:.1f} s**, its start and joining the group included."
    )


def _screen(found: dict[int, tuple[float, float]]) -> str:
    tick = settings().tick_ms
    lines = ["| events/s | p50, ms | p99, ms | goal |", "|---|---|---|---|"]
    for rate, (half, most) in found.items():
        lines.append(f"| {rate:,} | {half:.0f} | {most:.0f} | {'met' if most <= tick + 100 else '**missed**'} |")
    return (
        f"### From event to screen\n\nFrom handing an event to the producer to the frame on the live page's socket that counts it; snapshots go out "
        f"every {tick} ms, the goal is {tick} + 100 ms at p99.\n\n" + "\n".join(lines)
    )


def _together(found: dict[int, float]) -> str:
    cells = "; ".join(f"{number}: {rate:,.0f} events/s ({rate / found[1]:.2f}x)" for number, rate in found.items())
    return f"### One to four consumers on four partitions\n\n{cells}. All share {os.cpu_count()} cores with Kafka and Redis."


def _producer(found: list[float]) -> str:
    rate = sorted(found)[len(found) // 2]
    return (
        f"### Producer\n\nOne process simulates, encodes, sends and has acknowledged (acks=all, idempotent, zstd) **{rate:,.0f} events/s** "
        f"(median of {len(found)}); the goal is 20,000: {'met' if rate >= 20_000 else '**missed**'}."
    )
