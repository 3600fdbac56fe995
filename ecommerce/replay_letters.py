"""Dead letters put back: repaired by an expression, validated, sent once, and remembered.

A letter that was put back leaves a mark in the dead-letter topic, written after Kafka acknowledged the event. A crash
between the two sends the same event again under the same event_id, which consumers count once.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from kafka import KafkaProducer
from kafka.errors import KafkaError

from ecommerce import events, letters, stream
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.events import Event, Refused
from ecommerce.letters import Letter, Mark
from ecommerce.shops import Shop, shops

IN_FLIGHT = 500
_ASSIGNMENT = re.compile(r"([a-z_]+)=(?!=)(.*)", re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ReplayError(PlatformError):
    """Letters cannot be listed or put back; the message names the thing and the remedy."""


@dataclass(frozen=True)
class Listed:
    """A letter and when it was put back, if it was."""

    letter: Letter
    replayed_at: datetime | None


@dataclass
class Outcome:
    """What a replay did: events sent, letters refused again by reason, letters that were put back before."""

    sent: int = 0
    again: Counter[str] = field(default_factory=Counter)
    before: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)
    """A few letters that were refused again, each with what is wrong."""


def listed(config: Settings, reason: str | None = None, last: int | None = None) -> list[Listed]:
    """The letters, oldest first; ``last`` looks at so many records from the topic's end alone.

    Raises:
        ReplayError: Kafka does not answer, or ``reason`` is none of the closed list.
    """
    found: list[Letter] = []
    marks: dict[int, datetime] = {}
    for one in read(config, reason, last):
        if isinstance(one, Mark):
            marks[one.letter] = one.at
        else:
            found.append(one)
    return [Listed(letter, marks.get(letter.id)) for letter in found]


def show(config: Settings, number: int) -> Listed:
    """The letter with id ``number``.

    Raises:
        ReplayError: there is none, or Kafka does not answer.
    """
    for one in listed(config):
        if one.letter.id == number:
            return one
    raise ReplayError(f"there is no dead letter {number}: `ecommerce dlq list` shows those that there are")


def replay(
    config: Settings, reason: str | None = None, fix: str | None = None, ids: Collection[int] = (), dry_run: bool = False
) -> Outcome:
    """Put back the letters with ``reason`` and ``ids`` (none: all), each repaired by ``fix``, a JMESPath expression.

    ``dry_run`` repairs and validates, and sends nothing. The topic is read twice, so that no more than a few hundred
    letters are in memory at once.

    Raises:
        ReplayError: the expression is wrong, an id is unknown, or Kafka does not answer.
    """
    program, outcome = compiled(fix), Outcome()
    marks = _marks(config, reason, ids)
    repaired = _repaired(_chosen(config, reason, ids, marks, outcome), program, shops(), outcome)
    if dry_run:
        outcome.sent = sum(1 for _ in repaired)
    else:
        _send(config, repaired, outcome)
    return outcome


def compiled(fix: str | None) -> Any:
    """The expression, ready to use; None where there is none. ``field=value`` is short for a merge of that text.

    Raises:
        ReplayError: it is no JMESPath.
    """
    if fix is not None and (short := _ASSIGNMENT.fullmatch(fix)):
        fix = f"merge(@, {{{short[1]}: `{json.dumps(short[2]).replace('`', chr(92) + '`')}`}})"
    try:
        return None if fix is None else jmespath.compile(fix)
    except JMESPathError as error:
        raise ReplayError(f"--fix {fix!r} is no JMESPath expression ({' '.join(str(error).split())}): see docs/streaming.md") from None


def repair(letter: Letter, program: Any, known: Mapping[str, Shop]) -> Event:
    """The valid event that ``letter`` becomes. A time that a skewed clock gave is corrected as when it came.

    Raises:
        Refused: it is none yet; the reason and what is wrong.
    """
    value = _fixed(letter, program) if program else letter.value
    event = stream.read(value, int(letter.written_at.timestamp() * 1000), known)
    return msgspec.structs.replace(event, sent_at=None)


def _fixed(letter: Letter, program: Any) -> bytes:
    if letter.truncated:
        raise Refused(events.Reason.TOO_LARGE, f"only {len(letter.value)} of {letter.size} bytes were kept")
    try:
        given = json.loads(letter.value)
    except (ValueError, RecursionError) as error:
        raise Refused(events.Reason.NOT_JSON, f"an expression can repair JSON alone: {error}") from None
    try:
        made = program.search(given)
        if isinstance(made, dict) and not _UUID.fullmatch(str(made.get("event_id"))):
            made["event_id"] = event_id(letter)
        return json.dumps(made, ensure_ascii=False, allow_nan=False).encode()
    except (JMESPathError, ValueError, TypeError) as error:
        raise Refused(events.Reason.BAD_TYPE, f"the expression fails on it: {' '.join(str(error).split())}") from None


def event_id(letter: Letter) -> str:
    """The id, a UUID of version 8, of a letter's event that came without one: copies of the same bytes get the same."""
    digest = bytearray(sha256(letter.topic.encode() + b"\x1f" + letter.value).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def _repaired(chosen: Iterator[Letter], program: Any, known: Mapping[str, Shop], outcome: Outcome) -> Iterator[tuple[Letter, Event]]:
    for letter in chosen:
        try:
            yield letter, repair(letter, program, known)
        except Refused as why:
            outcome.again[why.reason] += 1
            if len(outcome.examples) < 10:
                outcome.examples.append((letter.id, str(why)))


def _marks(config: Settings, reason: str | None, ids: Collection[int]) -> set[int]:
    """The letters that were put back.

    Raises:
        ReplayError: one of ``ids`` is no letter of ``reason``.
    """
    marks, missing = set(), set(ids)
    for one in read(config, reason):
        if isinstance(one, Mark):
            marks.add(one.letter)
        else:
            missing.discard(one.id)
    if missing:
        raise ReplayError(f"there is no dead letter {min(missing)}{f' of reason {reason}' if reason else ''}: see `ecommerce dlq list`")
    return marks


def _chosen(config: Settings, reason: str | None, ids: Collection[int], marks: set[int], outcome: Outcome) -> Iterator[Letter]:
    """Each refused record once, though a crash may have sent it to the topic twice; those put back before are counted alone."""
    seen = set()
    for one in read(config, reason):
        if isinstance(one, Mark) or (place := (one.topic, one.topic_id, one.partition, one.offset)) in seen:
            continue
        seen.add(place)
        if ids and one.id not in ids:
            continue
        if one.id in marks:
            outcome.before += 1
        else:
            yield one


def read(config: Settings, reason: str | None = None, last: int | None = None) -> Iterator[Letter | Mark]:
    """The letters of ``reason`` (None: all) and all marks, oldest first, as Kafka's user ``operator``; ``last`` as in :func:`listed`.

    Raises:
        ReplayError: Kafka does not answer, or ``reason`` is none of the closed list.
    """
    if reason is not None and reason not in set(events.Reason):
        raise ReplayError(f"{reason!r} is no reason; the reasons are {', '.join(events.Reason)}")
    try:
        for one in letters.read(letters.operator(config), last):
            if isinstance(one, Mark) or reason in (None, one.reason):
                yield one
    except (KafkaError, OSError) as error:
        raise ReplayError(f"{config.kafka_awaited} does not give its dead letters: {type(error).__name__}: {error}") from error


def _send(config: Settings, repaired: Iterator[tuple[Letter, Event]], outcome: Outcome) -> None:
    options = letters.operator(config).kafka_options
    try:
        producer = KafkaProducer(**options, acks="all", bootstrap_timeout_ms=10_000, max_block_ms=10_000, allow_auto_create_topics=False)
        try:
            waiting: list[tuple[Letter, Event]] = []
            for pair in repaired:
                waiting.append(pair)
                if len(waiting) == IN_FLIGHT:
                    outcome.sent += _send_some(producer, config, waiting)
                    waiting = []
            outcome.sent += _send_some(producer, config, waiting)
        finally:
            producer.close(timeout=5)
    except (KafkaError, OSError) as error:
        raise ReplayError(
            f"{config.kafka_awaited} did not take every letter ({type(error).__name__}: {error}); {outcome.sent} were put back. "
            "Run the command again: what was sent counts once"
        ) from error


def _send_some(producer: KafkaProducer, config: Settings, pairs: list[tuple[Letter, Event]]) -> int:
    """Events first; a mark for each when all of them are safe."""
    _acknowledged(producer, [producer.send(config.kafka_topic, events.encode(event), event.key) for _, event in pairs])
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}".encode()
    marks = [[("reason", b"replayed"), ("letter", str(letter.id).encode()), ("at", at)] for letter, _ in pairs]
    _acknowledged(producer, [producer.send(config.kafka_dlq_topic, b"", letters.REPLAYED, headers) for headers in marks])
    return len(pairs)


def _acknowledged(producer: KafkaProducer, futures: list[Any]) -> None:
    producer.flush(timeout=60)
    for future in futures:
        future.get(timeout=1)
