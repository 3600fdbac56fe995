"""``ecommerce erase``: a person leaves the platform, with proof."""

from __future__ import annotations

import sys

import click

from ecommerce import erasure
from ecommerce.cli import tables
from ecommerce.config import settings


@click.command()
@click.option("--customer", required=True, help="The customer's id as the shop gives it (user_id of its events).")
@click.option("--shop", "shop_id", help="In this shop alone (default: in all).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(customer: str, shop_id: str | None, yes: bool) -> None:
    """Erase a person from lake, warehouse, rows held back, seen ids and live lists, for good, and print the proof."""
    if not yes:
        click.confirm(f"Erase customer {customer} for good?", abort=True)
    proofs = erasure.erase(settings(), customer, shop_id, lambda line: click.echo(line, err=True))
    for proof in proofs:
        click.echo(f"\nShop {proof.shop_id}")
        rows = ((p.name, f"{p.looked} {p.unit}", p.removed, p.left) for p in proof.places)
        tables.table(("place", "looked through", "taken out", "found again"), rows)
        for path in proof.not_searched:
            click.echo(
                f"  NOT ERASED {path}: its source has no [privacy] in source.toml; add it and load the file again, or delete it, then erase again"
            )
        if any(place.left for place in proof.places):
            click.echo("  NOT ERASED: see what was found again; of raw files, the source's [privacy] does not fit (docs/batch.md)")
    events, letters = max(proof.events_until for proof in proofs), max(proof.letters_until for proof in proofs)
    click.echo("\nThe ids are on the suppression list as keyed hashes: what comes again of them is kept without the person.")
    click.echo(
        f"Kafka's log drops its last record of the person by {events:%Y-%m-%d %H:%M} UTC, the dead letters by {letters:%Y-%m-%d %H:%M} UTC;"
        " backups, and what Airflow was told of repairs, keep it until they go."
    )
    sys.exit(0 if all(proof.complete for proof in proofs) else 1)
