"""``ecommerce quarantine``: rows held back, and their replay after a repair."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ecommerce import quarantine as held
from ecommerce import repair
from ecommerce.cli import tables
from ecommerce.cli.batch import progress_bars
from ecommerce.cli.options import DAY, SHOP
from ecommerce.cli.runs import print_difference
from ecommerce.config import settings

REASON = click.option("--reason", help="Rows held back for this reason alone.")


@click.group()
def quarantine() -> None:
    """Input rows that were held back: why, from which file and line, and how to bring them in."""


@quarantine.command("list")
@click.option("--shop", "shop_id", help="Rows of this shop alone.")
@click.option("--date", "day", type=DAY, help="Rows of this shop-day alone.")
@REASON
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(shop_id: str | None, day: datetime | None, reason: str | None, as_json: bool) -> None:
    """Rows held back, counted by shop, day, reason and rule."""
    found = held.listing(settings(), shop_id, day.date() if day else None, reason)
    if as_json:
        click.echo(tables.as_json(found))
    elif found:
        tables.table(list(found[0]), (row.values() for row in found))
    else:
        click.echo("Nothing is held back.")


@quarantine.command()
@SHOP
@click.option("--date", "day", type=DAY, help="Shop-day (default: all).")
@REASON
@click.option("--limit", default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the form that replay --rows takes.")
def show(shop_id: str, day: datetime | None, reason: str | None, limit: int, as_json: bool) -> None:
    """The rows themselves, with file, line, reason, rule and text."""
    found = held.show(settings(), shop_id, day.date() if day else None, reason, limit=limit)
    if as_json:
        click.echo(tables.as_json(found))
        return
    columns = ("date", "source", "file", "line", "reason", "rule", "raw")
    tables.table(columns, ([getattr(row, name) for name in columns] for row in found))


@quarantine.command()
@SHOP
@click.option("--date", "day", type=DAY, required=True, help="Shop-day whose rows are replayed.")
@click.option(
    "--rows",
    "rows_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Repaired rows: JSON or CSV with file, line and raw, or columns.",
)
@click.option("--fix", "fixes", multiple=True, metavar="FIELD=VALUE", help="Set a column of every row held back (for --reason).")
@REASON
@click.option("--source", help="The source, where several have rows held back; your own source's folder, where it has moved.")
def replay(shop_id: str, day: datetime, rows_file: Path | None, fixes: tuple[str, ...], reason: str | None, source: str | None) -> None:
    """Put rows right and run their day again; without --rows and --fix, after staging.sql was put right."""
    if wrong := [text for text in fixes if "=" not in text]:
        raise click.BadParameter(f"{wrong[0]!r} is not FIELD=VALUE", param_hint="--fix")
    rows = repair.read_rows(rows_file) if rows_file else None
    fix = dict(text.split("=", 1) for text in fixes)
    with progress_bars() as show_progress:
        found = held.replay(settings(), shop_id, day.date(), show_progress, fix, rows, reason, source)
    for difference in found:
        print_difference(difference)
    left = sum(row["rows"] for row in held.listing(settings(), shop_id, day.date()))
    click.echo(f"{shop_id} {day.date()}: {'revised' if found else 'nothing changed'}; {left} rows are still held back")
