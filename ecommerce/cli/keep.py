"""``ecommerce retention``, ``backup`` and ``restore``: what is kept how long, and how it comes back."""

from __future__ import annotations

from pathlib import Path

import click

from ecommerce import retention as rules
from ecommerce.cli import tables
from ecommerce.config import settings
from ecommerce.live import keys


@click.command()
@click.option("--apply", is_flag=True, help="Remove it; without this, only say what would be removed.")
@click.option("--rule", "names", multiple=True, help=f"This rule alone: {', '.join(rules.RULES)}.")
def retention(apply: bool, names: tuple[str, ...]) -> None:
    """Remove what is older than the settings keep_* say; first only tell."""
    found = list(rules.run(settings(), apply, names))
    title = "removed" if apply else "would remove"
    tables.table(
        ("rule", "kept, days", title, "of", "MiB", "note"),
        ((r.rule, r.days or "–", r.count, r.unit, f"{r.bytes / 2**20:.1f}", r.note) for r in found),
    )
    if not names:
        click.echo(
            f"Kept by the servers themselves: Kafka's records {settings().kafka_retention_hours} h, seen ids {keys.KEEP_SEEN // 3600} h."
        )
    if not apply:
        click.echo("Nothing was removed; --apply does it.")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Write warehouse, Airflow's tables, lake, live state and secrets into the new FOLDER; the platform keeps running."""
    from ecommerce import backup as whole

    index = whole.backup(settings(), folder.resolve(), lambda line: click.echo(line, err=True))
    click.echo(f"{len(index.files)} files in {folder}. It holds all secrets: keep it as safe as the platform.")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(folder: Path) -> None:
    """Bring the backup in FOLDER into an empty platform that does not run; then `make up`."""
    from ecommerce import backup as whole

    index = whole.restore(settings(), folder.resolve(), lambda line: click.echo(line, err=True))
    click.echo(f"Restored what version {index.version} wrote on {index.created_at:%Y-%m-%d %H:%M} UTC. Start it: make up")
