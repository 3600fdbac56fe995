"""``ecommerce drill``: break the running stream on purpose, on servers of its own, and check every number."""

from __future__ import annotations

import subprocess
import sys

import click

from ecommerce.config import PROJECT_DIR


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--list", "list_them", is_flag=True, help="Name the drills.")
@click.option("--quick", is_flag=True, help="Small sizes: less than a minute each.")
@click.option("--control", is_flag=True, help="The negative control instead: the drill without its guarantee must be seen to fail.")
def drill(names: tuple[str, ...], list_them: bool, quick: bool, control: bool) -> None:
    """Run the drills NAME (all: `make drills`) on servers of their own; exit code 1 unless all went as they should."""
    if not names and not list_them:
        raise click.UsageError("name a drill, or see --list; `make drills` runs them all")
    chosen = {"--list": list_them, "--quick": quick, "--control": control}
    command = [sys.executable, "-m", "drills", *names, *(option for option, wanted in chosen.items() if wanted)]
    sys.exit(subprocess.run(command, cwd=PROJECT_DIR, check=False).returncode)
