"""``ecommerce rebuild`` and ``dlq``: the live state counted anew, and what was refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ecommerce.cli import tables
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


REASON = click.option("--reason", help="Letters refused for this reason alone.")


@click.group()
def dlq() -> None:
    """Dead letters: records that were refused, why, and how to put them back repaired."""


@dlq.command("list")
@REASON
@click.option("--limit", default=20, show_default=True, help="So many of the newest, after the sums by reason.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(reason: str | None, limit: int, as_json: bool) -> None:
    """What is in the dead-letter topic: sums by reason, then the newest letters."""
    from ecommerce import replay_letters

    found = replay_letters.listed(settings(), reason)
    if as_json:
        click.echo(tables.as_json([_row(one) for one in found[-limit:]]))
        return
    if not found:
        click.echo("There is no dead letter.")
        return
    put_back = Counter(one.letter.reason for one in found if one.replayed_at)
    sums = Counter(one.letter.reason for one in found)
    tables.table(("reason", "letters", "put back"), ((name, count, put_back[name]) for name, count in sums.most_common()))
    columns = ("id", "reason", "written_at", "place", "size", "replayed_at", "detail")
    tables.table(columns, ([_row(one)[name] for name in columns] for one in found[-limit:]))


@dlq.command()
@click.argument("number", type=int, metavar="ID")
def show(number: int) -> None:
    """The letter ID: why it was refused, whence it came, and the record as it was."""
    from ecommerce import replay_letters

    one = replay_letters.show(settings(), number)
    tables.table(("", ""), ((name, value) for name, value in _row(one).items()))
    click.echo(one.letter.value.decode("utf-8", "backslashreplace"))


@dlq.command()
@click.argument("ids", type=int, nargs=-1, metavar="[ID]...")
@REASON
@click.option("--fix", metavar="EXPR", help="Repair each: field=value, or a JMESPath expression that gives the event (docs/streaming.md).")
@click.option("--dry-run", is_flag=True, help="Repair and validate, send nothing.")
def replay(ids: tuple[int, ...], reason: str | None, fix: str | None, dry_run: bool) -> None:
    """Put letters back, each once: all, those with the IDs, or those with a reason."""
    from ecommerce import replay_letters

    outcome = replay_letters.replay(settings(), reason, fix, ids, dry_run)
    for number, why in outcome.examples:
        click.echo(f"letter {number}: {why}", err=True)
    again = ", ".join(f"{count} {name}" for name, count in outcome.again.most_common())
    verb = "would be put back" if dry_run else "put back"
    click.echo(
        f"{outcome.sent} {verb}, {outcome.before} were before, {outcome.again.total()} are still refused{f' ({again})' if again else ''}"
    )


@dlq.command()
def accept() -> None:
    """Let a consumer go on that stopped because most records were refused; they go to the dead-letter topic."""
    import redis

    from ecommerce import refusal_guard

    if refusal_guard.accept(redis.Redis(**settings().redis_options)):
        click.echo("accepted: the consumer goes on when it is started again (by itself, where it is supervised)")
    else:
        click.echo("no consumer has stopped for refused records")


def _row(one: Any) -> dict[str, Any]:
    letter = one.letter
    return {
        "id": letter.id,
        "reason": letter.reason,
        "written_at": letter.written_at,
        "place": f"{letter.topic}/{letter.partition}/{letter.offset}",
        "size": letter.size,
        "replayed_at": one.replayed_at,
        "detail": letter.detail,
    }
