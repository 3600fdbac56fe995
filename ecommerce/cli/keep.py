"""``ecommerce retention``: what is kept how long."""

from __future__ import annotations

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
