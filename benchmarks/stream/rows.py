"""The contenders, how many events each consumes, and the ratios asked for."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.stream.world import Result, World
from ecommerce.config import Settings


@dataclass(frozen=True)
class Row:
    """One contender. ``goal``: our rate must be so many times its rate; None: no goal."""

    name: str
    script: str
    arguments: tuple[str, ...]
    events: int
    goal: float | None = None
    section: str = "against"


OURS = Row("this platform's consumer", "ours", (), 250_000)
ROWS = [
    OURS,
    Row("raw `poll(max_records=5000)` and discard, kafka-python", "kafka_python", ("raw", "5000"), 250_000, 1.0),
    Row("raw `poll(max_records=500)` and discard, kafka-python", "kafka_python", ("raw", "500"), 100_000),
    Row("the tutorial way: a Redis command at a time", "kafka_python", ("tutorial", "500"), 5_000, 20),
    Row("the tutorial way: a pipeline each 1,000 events", "kafka_python", ("pipeline", "500"), 20_000, 5),
    Row("Quix Streams: the five aggregates", "quix", ("aggregates",), 50_000, 5),
    Row("Quix Streams: its own minute windows alone", "quix", ("windows",), 15_000, 4.5),
    Row("Bytewax: the five aggregates, keyed state", "bytewax_flow", ("aggregates",), 50_000, 3),
    Row("Bytewax: the five aggregates in a bare function, no state of its own", "bytewax_flow", ("loop",), 50_000),
    Row("Bytewax: its own minute windows alone", "bytewax_flow", ("windows",), 50_000, 2.3),
    Row("Faust: its own tables", "faust_app", ("tables",), 2_000, 60),
    Row("Faust: the five aggregates, batches of 1,000", "faust_app", ("batched",), 10_000, 12),
    Row("our decode and step behind aiokafka", "other_client", ("aiokafka",), 100_000, section="clients"),
    Row("our decode and step behind confluent-kafka", "other_client", ("confluent",), 100_000, section="clients"),
    Row("raw `consume(5000)` and discard, confluent-kafka", "other_client", ("confluent-raw",), 100_000, section="clients"),
]


def measure(
    world: World, topic: Settings, total: int, rounds: int, wanted: Callable[[Row], bool], keep: Callable[[dict], object]
) -> dict[Row, list[Result]]:
    """All rows in turn, ``rounds`` times over; no row consumes more than the ``total`` events of the topic. ``keep`` gets each whole round."""
    found: dict[Row, list[Result]] = {row: [] for row in ROWS if wanted(row)}
    for number in range(rounds):
        for row, results in found.items():
            results.append(world.run(topic, min(row.events, total), row.script, *row.arguments))
            last = results[-1]
            say(f"round {number + 1}: {row.name}: {last.rate:,.0f} events/s, {last.cost:.2f} + {last.redis_cost:.2f} µs")
        keep(found)
    return found


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def median(results: Iterable[Result], what: str) -> float:
    return statistics.median(getattr(result, what) for result in results)


def ratios(ours: list[Result], theirs: list[Result]) -> tuple[float, float, float, float]:
    """Ours against theirs, the median over rounds: by rate with the least and the most, and by CPU of the process."""
    by_rate = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)]
    by_cpu = [other.cost / mine.cost for mine, other in zip(ours, theirs, strict=True)]
    return statistics.median(by_rate), min(by_rate), max(by_rate), statistics.median(by_cpu)
