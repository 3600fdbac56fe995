"""``ecommerce runs``: what ran, from which files, by which code, how long, and what it changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from ecommerce import runs as known
from ecommerce.cli import tables
from ecommerce.cli.options import DAY
from ecommerce.config import settings


@click.group()
def runs() -> None:
    """Batch runs: inputs, code, rows, durations, and why a number changed."""


@runs.command("list")
@click.option("--shop", "shop_id", help="Runs of this shop alone.")
@click.option("--date", "day", type=DAY, help="Runs that covered this day.")
@click.option("--status", type=click.Choice(["running", "published", "blocked", "failed"]))
@click.option("--limit", default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(shop_id: str | None, day: datetime | None, status: str | None, limit: int, as_json: bool) -> None:
    """The newest runs first."""
    found = known.listing(settings(), shop_id, day.date() if day else None, status, limit)
    if as_json:
        click.echo(tables.as_json(found))
        return
    columns = ("run_id", "shop_id", "source", "from_date", "to_date", "status", "started_at", "rows_in", "rows_quarantined", "days_revised")
    tables.table(columns, ([run[name] for name in columns] for run in found))


@runs.command()
@click.argument("run_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(run_id: str, as_json: bool) -> None:
    """Run RUN_ID: what it read, what it did, and for each revised day the difference by measure and its cause."""
    run = known.show(settings(), run_id)
    revised = [
        known.difference(settings(), run["shop_id"], day["date"], run_id) for day in run["days"] if day["changed"] or day["row_changes"]
    ]
    if as_json:
        click.echo(tables.as_json({**run, "differences": revised}))
        return
    _head(run)
    for found in revised:
        print_difference(found)


def _head(run: dict[str, Any]) -> None:
    facts = ("run_id", "shop_id", "source", "from_date", "to_date", "status", "started_at", "finished_at", "code_version", "message")
    for name in (*facts, "rows_in", "rows_good", "rows_quarantined", "rows_excluded"):
        click.echo(f"{name:<18}{tables.text(run[name])}")
    click.echo(f"{'steps':<18}{', '.join(f'{name} {seconds:.1f} s' for name, seconds in run['steps'].items()) or '–'}")
    files = [(part["path"], file["path"], file["rows"], file["sha256"]) for part in run["inputs"] for file in part.get("files", [])]
    click.echo()
    tables.table(("partition", "file", "rows", "sha256"), files)
    if broken := [check for check in run["checks"] if not check["passed"]]:
        click.echo()
        tables.table(
            ("check", "severity", "date", "value", "detail"),
            ([c[n] for n in ("check_name", "severity", "date", "value", "detail")] for c in broken),
        )


def print_difference(found: known.Difference) -> None:
    """The difference of one shop-day, with its cause."""
    click.echo(f"\n{found.shop_id} {found.day} revised: run {found.previous_run_id} > {found.run_id}, because {found.why}")
    if found.measures:
        tables.table(("measure", "before", "after", "difference"), ((name, *values) for name, values in found.measures.items()))
    else:
        click.echo("  no measure changed")
    for name, rows in found.rows.items():
        click.echo(f"  {name}: {rows['added']} rows added, {rows['removed']} removed, {rows['changed']} changed")
    for sign, files in (("+", found.inputs_added), ("-", found.inputs_removed)):
        for path, digest in files:
            click.echo(f"  {sign} {path} {digest[:12]}")
    if found.code:
        click.echo(f"  code {found.code[0]} > {found.code[1]}")
