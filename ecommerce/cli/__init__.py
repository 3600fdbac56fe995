"""``ecommerce``: the platform from the command line; a module for each family of commands."""

from __future__ import annotations

import subprocess
import sys

import click
import psycopg
import redis

from ecommerce.cli import ask, batch, drill, erase, keep, quarantine, runs, stream
from ecommerce.config import PROJECT_DIR
from ecommerce.errors import PlatformError
from ecommerce.local import commands as local


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
    """Every service with its state, health and memory, and the alerts; exit code 1 when one is not healthy or there is an alert."""
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


for command in (
    batch.etl,
    batch.spark_submit,
    ask.sql,
    ask.live,
    ask.alerts,
    runs.runs,
    quarantine.quarantine,
    keep.retention,
    drill.drill,
    stream.rebuild,
    stream.dlq,
    erase.erase,
    keep.backup,
    keep.restore,
):
    cli.add_command(command)


def main() -> None:
    """Entry point: known errors are one line and their exit code, mostly 2, without a traceback."""
    try:
        cli()
    except PlatformError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except (psycopg.OperationalError, redis.ConnectionError) as error:
        click.echo(f"error: {str(error).strip()}. Is the platform up? See `make status`.", err=True)
        sys.exit(2)
    except psycopg.Error as error:
        click.echo(f"error: {str(error).strip()}", err=True)
        sys.exit(2)
