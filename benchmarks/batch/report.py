"""The section Batch of docs/benchmarks.md, written between its marks; the rest of the page is left as it is."""

from __future__ import annotations

import itertools
import json
import os
import platform
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.batch import world
from ecommerce.config import PROJECT_DIR, Settings

PAGE = PROJECT_DIR / "docs" / "benchmarks.md"
KEPT = "batch.json"
BEGIN, END = "<!-- batch: made by make bench-batch -->", "<!-- batch: end -->"


@dataclass
class Row:
    """One comparison: seconds of ours and of the rival (medians), and the goal for ours / theirs; ``note`` says what was compared."""

    what: str
    ours: float
    theirs: float
    goal: float | None
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return "–"
        return "met" if self.ratio <= self.goal else "missed"


@dataclass
class Result:
    """Everything one run found."""

    lines: int
    repetitions: int
    quick: bool
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_rows: list[tuple[int, float, float, float]] = field(default_factory=list)
    by_days: list[tuple[int, float]] = field(default_factory=list)
    steps: dict[int, dict[str, float]] = field(default_factory=dict)


def together(results: list[Result]) -> Result:
    """The parts' results as one; the first says of how many lines and repetitions."""
    whole = replace(results[0], rows=[], notes=[], by_rows=[], by_days=[], steps={})
    for one in results:
        whole.rows += one.rows
        whole.notes += one.notes
        whole.by_rows += one.by_rows
        whole.by_days += one.by_days
        whole.steps |= one.steps
    return whole


def keep(folder: Path, found: dict[str, Result]) -> None:
    """Keep the results of parts for a later run of others."""
    (folder / KEPT).write_text(json.dumps({part: asdict(result) for part, result in found.items()}), encoding="utf-8")


def kept(folder: Path) -> dict[str, Result]:
    """What :func:`keep` kept; nothing where it never did."""
    path = folder / KEPT
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {part: _result(values) for part, values in found.items()}


def _result(values: dict[str, Any]) -> Result:
    tables = {name: [tuple(row) for row in values[name]] for name in ("by_rows", "by_days")}
    steps = {int(rows): steps for rows, steps in values["steps"].items()}
    return Result(**{**values, **tables, "rows": [Row(**row) for row in values["rows"]], "steps": steps})


def section(result: Result) -> str:
    """The section's Markdown."""
    cores, about = os.cpu_count(), f"{datetime.now(UTC):%Y-%m-%d}"
    head = f"{result.lines:,} order lines of one day; medians of {result.repetitions}, the ways taking turns; {cores} cores, Spark's heap {world.HEAP}, Python {platform.python_version()}; {about}."
    text = [
        "## Batch",
        "",
        head,
        *(["**A quick run: it shows that the benchmark works, not how fast the platform is.**"] * result.quick),
        "",
    ]
    text += ["| against | ours, s | theirs, s | ratio | goal | |", "|---|---:|---:|---:|---:|---|"]
    for row in result.rows:
        goal = f"≤ {row.goal:g}x" if row.goal else "–"
        text.append(f"| {row.what} | {row.ours:.2f} | {row.theirs:.2f} | {row.ratio:.2f}x | {goal} | {row.verdict} |")
    text += ["", *(f"- {row.what}: {row.note}" for row in result.rows if row.note), *(f"- {note}" for note in result.notes), ""]
    text += [
        "### Cost as rows and days grow",
        "",
        f"The whole job on a warm Connect server, once each; by rows with the platform's own heap ({Settings().spark_driver_memory}).",
        "",
    ]
    text += ["| rows of a day | s | µs a row | peak memory of Spark, MiB | DuckDB, s | ratio |", "|---:|---:|---:|---:|---:|---:|"]
    text += [
        f"| {rows:,} | {took:.1f} | {took / rows * 1e6:.1f} | {peak:.0f} | {duck:.1f} | {took / duck:.1f}x |"
        for rows, took, peak, duck in result.by_rows
    ]
    text += ["", _crossing(result)]
    names = list(dict.fromkeys(name for steps in result.steps.values() for name in steps))
    text += ["", "Its steps, seconds:", "", "| rows of a day | " + " | ".join(names) + " |", "|---:" * (len(names) + 1) + "|"]
    text += [f"| {rows:,} | " + " | ".join(f"{steps.get(name, 0):.1f}" for name in names) + " |" for rows, steps in result.steps.items()]
    text += ["", *_plot("Seconds by rows", [f"{rows:,}" for rows, *_ in result.by_rows], [took for _, took, *_ in result.by_rows]), ""]
    text += ["| days in one job | s | s a day |", "|---:|---:|---:|"]
    text += [f"| {days} | {took:.1f} | {took / days:.2f} |" for days, took in result.by_days]
    text += ["", *_plot("Seconds by days", [str(days) for days, _ in result.by_days], [took for _, took in result.by_days]), ""]
    text += [_linear(result)]
    return "\n".join(text)


def _plot(title: str, labels: list[str], values: list[float]) -> list[str]:
    names = ", ".join(f'"{label}"' for label in labels)
    numbers = ", ".join(f"{value:.1f}" for value in values)
    return ["```mermaid", "xychart-beta", f'  title "{title}"', f"  x-axis [{names}]", '  y-axis "seconds"', f"  line [{numbers}]", "```"]


def _crossing(result: Result) -> str:
    """Where Spark overtakes DuckDB, in a sentence."""
    if not result.by_rows:
        return ""
    ahead = [rows for rows, took, _, duck in result.by_rows if took < duck]
    if ahead:
        return f"Spark overtakes DuckDB at {ahead[0]:,} rows."
    return f"There is no crossing point up to {result.by_rows[-1][0]:,} rows on this machine: DuckDB is ahead at every size."


def _linear(result: Result) -> str:
    """Where a row begins to cost more again, and which steps grew most there, in a sentence."""
    costs = [(rows, took / rows) for rows, took, *_ in result.by_rows]
    rising = [(few, many) for (few, before), (many, after) in itertools.pairwise(costs) if after > 1.2 * before]
    fixed = "What a job costs whatever it holds (session, planning, publication of many tables) makes small days dear by the row."
    if not rising:
        return f"{fixed} Up to {costs[-1][0]:,} rows a row never costs more than 1.2x what it cost before." if costs else ""
    few, many = rising[0]
    grown = {step: result.steps[many].get(step, 0) / many - result.steps[few].get(step, 0) / few for step in result.steps[many]}
    worst = ", ".join(f"{step} (+{extra * 1e6:.1f} µs a row)" for step, extra in sorted(grown.items(), key=lambda one: -one[1])[:2])
    return f"{fixed} From {few:,} to {many:,} rows a row costs more again, most in {worst}."


def write(result: Result) -> None:
    """Put the section into the page, which is made where it is missing."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else "# Benchmarks\n"
    made = f"{BEGIN}\n{section(result)}\n{END}"
    if BEGIN in page:
        before, _, rest = page.partition(BEGIN)
        page = before + made + rest.partition(END)[2]
    else:
        page = page.rstrip("\n") + f"\n\n{made}\n"
    PAGE.write_text(page, encoding="utf-8")
