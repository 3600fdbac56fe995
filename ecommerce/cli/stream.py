"""``ecommerce rebuild``: the stream's side."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecommerce.config import settings


@click.command()
def rebuild() -> None:
    """Count the live state anew from the archive and Kafka, while the old one serves; then swap."""
    from ecommerce import rebuild as rebuilding

    columns = (TextColumn("rebuild"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("rebuild", total=None)
        generation = rebuilding.rebuild(settings(), lambda done, total: bars.update(task, completed=done, total=total))
    click.echo(f"the live state was rebuilt: generation {generation} serves")
