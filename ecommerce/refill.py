"""Where counting a partition begins, and the batches that bring back from the archive what Redis lost.

The archive is read up to its offsets and Kafka from there on; an offset that neither holds is an incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ecommerce.archived_log import ArchivedLog, Span
from ecommerce.live import Accepted, Batch, Claim, Refusal, StateError
from ecommerce.suppression import Suppression

BATCH_EVENTS = 2000


class Bounds(NamedTuple):
    """Offsets that Kafka holds of a partition: from ``begin`` up to, not including, ``end``."""

    begin: int
    end: int


class Plan(NamedTuple):
    """Count from ``start``: from the archive up to ``stop`` (where that is more), from Kafka after it."""

    start: int
    stop: int


def plan(where: str, stored: int | None, bounds: Bounds, counted: int | None, span: Span | None, accept_gap: bool = False) -> Plan:
    """How to count a partition on from ``stored``, the live state's next offset (None: the state is missing).

    ``counted`` is the offset up to which the consumers told Kafka they had counted: what was refused below it
    is in the dead-letter topic, so the archive can stand for the log there. ``accept_gap`` goes on where the log
    begins though earlier records were counted once.

    Raises:
        StateError: offset_gone, neither Kafka nor the archive holds the next offset; log_truncated, the log ends before it.
    """
    begin, end = bounds
    bridged = span is not None and span.next >= begin
    start = stored
    if start is None:
        start = min(span.first, begin) if bridged else begin
    if stored is not None and stored > end:
        raise StateError(
            f"{where}: counted up to offset {stored}, but the log ends at {end}: it lost its tail. Start the consumer once with "
            "--new-generation to drop the live state and count again what the archive and the log hold",
            "log_truncated",
        )
    gone = start < begin and not (bridged and span.first <= start)
    if gone or (stored is None and begin > 0 and counted is not None and not bridged and not accept_gap):
        raise _offset_gone(where, stored, begin, span)
    if start >= begin and stored is not None:
        return Plan(start, start)
    stop = max(begin, min(span.next, counted or begin)) if span else begin
    return Plan(start, min(stop, end))


def _offset_gone(where: str, stored: int | None, begin: int, span: Span | None) -> StateError:
    state = "its live state is gone" if stored is None else f"counted up to offset {stored}"
    archive = "nothing of it is archived" if span is None else f"the archive holds offsets {span.first} to {span.next - 1}"
    return StateError(
        f"{where}: {state}, but the log begins at {begin} and {archive}: the records between are gone from both. Bring the archive "
        "back (data/lake), or start the consumer once with --new-generation to count what is left",
        "offset_gone",
    )


def batches(archived: ArchivedLog, claim: Claim, stop: int, refused: Iterable[Refusal], suppression: Suppression) -> Iterator[Batch]:
    """Batches of the archived events from ``claim.next`` up to ``stop``, each to be applied before the next is taken.

    ``refused`` are the partition's refusals by offset, as the dead-letter topic has them; one whose record is in
    the archive was refused while it was counted and is judged again.

    Raises:
        lake.LakeError, OSError: the archive cannot be read.
    """
    events = archived.events(claim.partition, claim.next, stop)
    waiting = [refusal for refusal in refused if claim.next <= refusal.offset < stop]
    while claim.next < stop:
        accepted = [Accepted(*found) for found in suppression.filtered(islice(events, BATCH_EVENTS))]
        following = accepted[-1].offset + 1 if len(accepted) == BATCH_EVENTS else stop
        here = {offset for offset, _ in accepted}
        due = [refusal for refusal in waiting if refusal.offset < following]
        waiting = waiting[len(due) :]
        due = [refusal for refusal in due if refusal.offset not in here]
        batch = Batch(claim.partition, claim.next, following, accepted, due)
        batch.reported = {refusal.offset for refusal in due}
        yield batch
