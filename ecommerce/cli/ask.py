"""``ecommerce sql`` and ``live``: read the warehouse and the live state."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime

import click
import psycopg
import redis
from rich.console import Console
from rich.table import Table

from ecommerce.cli.options import DAY, SHOP
from ecommerce.config import settings
from ecommerce.live import LiveState
from ecommerce.shops import shop as find_shop


@click.command()
def alerts() -> None:
    """What is wrong now on the whole platform; exit code 1 when something is."""
    from ecommerce.alerts import alerts as raised
    from ecommerce.alerts import printed

    found = raised(settings())
    print(printed(found) or "Nothing wants attention.")
    sys.exit(bool(found))


@click.command()
@click.argument("query")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of a table.")
def sql(query: str, as_csv: bool) -> None:
    """Ask the warehouse QUERY as the read-only role."""
    with psycopg.connect(settings().postgres_dsn("reader"), options="-c search_path=warehouse") as connection:
        cursor = connection.execute(query)  # type: ignore[arg-type]
        if cursor.description is None:
            raise click.ClickException("the query returns no rows; only SELECT is possible here")
        names, rows = [column.name for column in cursor.description], cursor.fetchall()
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *rows])
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)


@click.command()
@SHOP
@click.option("--date", "day", type=DAY, help="Shop-day, YYYY-MM-DD (default: today in the shop's zone).")
def live(shop_id: str, day: datetime | None) -> None:
    """Print the live snapshot of a shop-day as JSON."""
    chosen: date | None = day.date() if day else None
    snapshot = LiveState(redis.Redis(**settings().redis_options)).snapshot(find_shop(shop_id), chosen)
    click.echo(json.dumps(snapshot, indent=2))
