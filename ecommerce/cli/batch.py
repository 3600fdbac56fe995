"""``ecommerce etl`` and ``spark-submit``: the batch side."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecommerce import etl as batch
from ecommerce.cli.options import DAY, SHOP
from ecommerce.config import PROJECT_DIR
from ecommerce.local import commands as local
from ecommerce.shops import shop as find_shop


@click.command()
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
    with progress_bars() as show:
        sentences = batch.run_all(runs, show)
    for sentence in sentences:
        click.echo(sentence)


class progress_bars:
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


@click.command("spark-submit", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def spark_submit(arguments: tuple[str, ...]) -> None:
    """Run spark/jobs/batch_processing.py with ARGUMENTS in a Spark of its own, without the Connect server."""
    command, environment = local.spark_submit([str(PROJECT_DIR / "spark" / "jobs" / "batch_processing.py"), *arguments])
    os.execvpe(command[0], command, environment)
