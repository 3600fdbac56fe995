"""``ecommerce``: the platform from the command line."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from typing import Any

import click
import psycopg
import redis
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ecommerce import etl as batch
from ecommerce.config import PROJECT_DIR, ConfigError, settings
from ecommerce.ingest import IngestError
from ecommerce.live import LiveState
from ecommerce.local import commands as local
from ecommerce.shops import shop as find_shop

DAY = click.DateTime(formats=["%Y-%m-%d"])
SHOP = click.option("--shop", "shop_id", required=True, help="Shop id, as in shops.toml.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ecommerce-analytics-platform")
def cli() -> None:
    """The E-commerce Analytics Platform: run it, load it, ask it."""


@cli.command()
def up() -> None:
    """Set up and start everything on this machine; harmless when it runs already."""
    local.up()


@cli.command()
def down() -> None:
    """Stop everything cleanly; nothing is lost."""
    local.down()


@cli.command()
def status() -> None:
    """Every service with its state, health and memory; exit code 1 when one is not healthy."""
    local.status()


@cli.command()
@click.argument("service", required=False)
def logs(service: str | None) -> None:
    """Follow the log of SERVICE, or of all services."""
    local.logs(service)


@cli.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Stop everything and remove all data, secrets and the lake (asks first)."""
    local.reset(yes)


@cli.command("login-link")
def login_link() -> None:
    """Print a one-time link that signs in to the dashboard."""
    sys.exit(subprocess.run([sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "login_link"], check=False).returncode)


@cli.command()
@SHOP
@click.option(
    "--source", default=batch.AUTO, show_default=True, help="A source below spark/sources, or the path of your own source's folder."
)
@click.option(
    "--input", "input_path", default="", help="File or folder with the raw files; without it, files landed before are read again."
)
@click.option("--from", "from_date", type=DAY, help="First day, YYYY-MM-DD (default: yesterday in the shop's zone).")
@click.option("--to", "to_date", type=DAY, help="Last day, YYYY-MM-DD (default: the first day).")
@click.option("--seed", type=int, help="Seed of the simulated shop.")
def etl(shop_id: str, source: str, input_path: str, from_date: datetime | None, to_date: datetime | None, seed: int | None) -> None:
    """Run the batch ETL of a shop and range of days, without Airflow."""
    first = from_date.date() if from_date else find_shop(shop_id).today() - timedelta(days=1)
    last = to_date.date() if to_date else first
    runs = batch.plan(shop_id, first, last, source, input_path, seed)
    with _progress() as show:
        sentences = batch.run_all(runs, show)
    for sentence in sentences:
        click.echo(sentence)


class _progress:
    """A bar a step, redrawn in place on a terminal."""

    def __enter__(self) -> batch.Progress:
        columns = (
            TextColumn("{task.fields[step]:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        self._bars = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, Any] = {}
        self._bars.start()
        return self._show

    def _show(self, event: dict[str, Any]) -> None:
        step, message = event["step"], event.get("message", "")
        if "total" not in event:
            return
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(message, step=step, total=event["total"])
        self._bars.update(self._tasks[step], completed=event["done"], total=event["total"], description=message)

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()


@cli.command("spark-submit", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def spark_submit(arguments: tuple[str, ...]) -> None:
    """Run spark/jobs/batch_processing.py with ARGUMENTS in a Spark of its own, without the Connect server."""
    command, environment = local.spark_submit([str(PROJECT_DIR / "spark" / "jobs" / "batch_processing.py"), *arguments])
    os.execvpe(command[0], command, environment)


@cli.command()
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


@cli.command()
@SHOP
@click.option("--date", "day", type=DAY, help="Shop-day, YYYY-MM-DD (default: today in the shop's zone).")
def live(shop_id: str, day: datetime | None) -> None:
    """Print the live snapshot of a shop-day as JSON."""
    chosen: date | None = day.date() if day else None
    snapshot = LiveState(redis.Redis(**settings().redis_options)).snapshot(find_shop(shop_id), chosen)
    click.echo(json.dumps(snapshot, indent=2))


def main() -> None:
    """Entry point: known errors are one line and exit code 2, without a traceback."""
    try:
        cli()
    except (ConfigError, IngestError, batch.EtlError, local.LocalError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (psycopg.OperationalError, redis.ConnectionError) as error:
        click.echo(f"error: {str(error).strip()}. Is the platform up? See `make status`.", err=True)
        sys.exit(2)
    except psycopg.Error as error:
        click.echo(f"error: {str(error).strip()}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
