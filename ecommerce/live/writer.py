"""Writing the live state: who may write a partition, and the one atomic step of a batch.

The state of a partition moves from its stored next offset to the batch's, together with everything
the batch counts, or not at all; so counters are exact through crashes, retries and rebalances.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import NoScriptError

from ecommerce.errors import PlatformError
from ecommerce.events import Event
from ecommerce.live import generations, keys, request
from ecommerce.live.aggregate import ORDER_EVENTS, Batch, Judge, Known, Refusal, Verdicts, money_fields
from ecommerce.shops import Shop

_LUA = {name: (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8") for name in ("claim", "apply")}


OnRefused = Callable[[list[Refusal]], None]


class Origin(NamedTuple):
    """The log that a live state counts: ids as Kafka gives them."""

    cluster_id: str
    topic: str
    topic_id: str


class StateError(PlatformError):
    """The live state cannot be used as it is; the message says why and what to do.

    ``incident`` is its name in heartbeats and docs/streaming.md.
    """

    def __init__(self, message: str, incident: str) -> None:
        super().__init__(message)
        self.incident = incident


class Stale(Exception):
    """Another writer has taken the partition, or the state is gone: claim it again."""


class Torn(StateError):
    """A step ended half-way, so the generation's sums are not to be trusted: count everything again in a new one."""

    def __init__(self, partition: int, offset: str) -> None:
        super().__init__(
            f"a step of partition {partition} at offset {offset} ended half-way inside Redis: the live state is not exact any more. "
            "Start the consumer once with --new-generation to count everything again from the archive and the log",
            "state_torn",
        )


class Moved(Exception):
    """The stored offset is not the batch's first: read on from ``offset``."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the stored next offset is {offset}")
        self.offset = offset


@dataclass
class Claim:
    """A partition that this writer owns: its next offset and its watermarks (microseconds, by shop)."""

    partition: int
    writer: str
    next: int
    watermarks: dict[str, int] = field(default_factory=dict)
    fresh: bool = False
    """Nothing of the partition was counted before."""


@dataclass
class Step:
    """One batch on its way into Redis: what is asked, what was learned on the way, the connection that will answer."""

    claim: Claim
    batch: Batch
    on_refused: OnRefused
    past: bool = False
    known: Known = field(default_factory=Known)
    verdicts: Verdicts = field(default_factory=Verdicts)
    connection: Any = None


class LiveWriter:
    """Applies batches of one topic to the live state. One instance a process; not for several threads.

    ``building`` is a generation that is built beside the one that serves; None writes to that one.

    Raises:
        StateError: the state in Redis counts another topic or cluster.
    """

    def __init__(self, redis: Redis, origin: Origin, shops: Mapping[str, Shop], building: int | None = None) -> None:
        self._redis, self._building = redis, building
        self._judge = Judge(shops)
        self._nonce = uuid.uuid4().hex
        self._claim = redis.register_script(_LUA["claim"])
        self._apply = redis.register_script(_LUA["apply"])
        self.origin = origin
        self.names = keys.Keys(self._open())

    def _open(self) -> int:
        """The generation to write, made when there is none."""
        self._redis.hsetnx(keys.HEADER, "generation", 1)
        for name, value in self.origin._asdict().items():
            self._redis.hsetnx(keys.HEADER, name, value)
        header = {name.decode(): value.decode() for name, value in self._redis.hgetall(keys.HEADER).items()}
        for name, value in self.origin._asdict().items():
            if header[name] != value:
                raise StateError(
                    f"the live state in Redis counts {name} {header[name]}, Kafka now has {value}: it is not the same log. "
                    "Start the consumer once with --new-generation to drop the live state and count this log from its beginning",
                    "another_log",
                )
        return self._building or int(header["generation"])

    def refresh(self) -> None:
        """Look at the generation that serves now.

        Raises:
            StateError: the state in Redis counts another topic or cluster.
        """
        self.names = keys.Keys(self._open())

    def retired(self) -> bool:
        """Another generation serves by now: claim again."""
        return generations.serving(self._redis) not in (None, self.names.generation)

    def stored(self, partition: int) -> tuple[str | None, int | None]:
        """The partition's writer and next offset as stored; None for what is not."""
        writer, offset = self._redis.hmget(self.names.partition(partition), "writer", "next")
        return None if writer is None else writer.decode(), None if offset is None else int(offset)

    def broken(self, claims: Iterable[Claim]) -> list[Claim]:
        """Those of ``claims`` that are not what is stored."""
        return [claim for claim in claims if self.stored(claim.partition) != (claim.writer, claim.next)]

    def claim(self, partition: int, beginning: int) -> Claim:
        """Own ``partition``, fencing every earlier writer; a new one starts at offset ``beginning``.

        Raises:
            StateError: the state in Redis counts another topic or cluster, or is damaged (Torn: by a step that ended half-way).
        """
        while True:
            self.names = keys.Keys(self._open())
            arguments = [self._nonce, str(beginning), self.names.generation, partition]
            flat = self._claim(keys=[self.names.partition(partition), keys.HEADER], args=arguments)
            if flat == b"lost":
                raise StateError(
                    f"the live state of partition {partition} is gone from Redis while that of others is there: its sums cannot be told "
                    "apart. Start the consumer once with --new-generation to count everything again from the archive and the log",
                    "state_damaged",
                )
            if flat:
                break
            if self._building:
                raise StateError(
                    f"generation {self._building} is no longer being built: another rebuild has begun, or Redis was emptied", "rebuild_lost"
                )
        stored = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
        if stored.get("torn"):
            raise Torn(partition, stored["torn"])
        return Claim(partition, stored["writer"], int(stored["next"]), _watermarks(stored), stored["epoch"] == "1")

    def apply(self, claim: Claim, batch: Batch, on_refused: OnRefused, past: bool = False) -> Verdicts:
        """Count ``batch`` in one atomic step and move ``claim`` on; ``past`` events are no news to open pages.

        ``on_refused`` gets every refusal, those found here (a second event of an order, an amount too
        large to add) included, before the offset moves, each once; it must keep them safe before it returns.

        Raises:
            Stale: the partition has another writer.
            Moved: the batch does not begin at the stored offset.
            StateError: a key of the live state is damaged.
            redis.RedisError: Redis did not answer; apply the same batch again.
        """
        return self._go_on(Step(claim, batch, on_refused, past), None)

    def begin(self, claim: Claim, batch: Batch, on_refused: OnRefused) -> Step:
        """Send the step of :meth:`apply` without waiting for its answer, which :meth:`finish` takes.

        Raises:
            redis.RedisError: Redis is away; apply the same batch.
        """
        step = Step(claim, batch, on_refused)
        packed = self._request(step)
        step.connection = self._redis.connection_pool.get_connection()
        try:
            step.connection.send_command("EVALSHA", self._apply.sha, 0, packed)
        except BaseException:
            self._drop(step)
            raise
        return step

    def finish(self, step: Step) -> Verdicts:
        """Wait for the answer to a step that was begun, and go on with it until it is applied; raises as :meth:`apply`."""
        try:
            answer = step.connection.read_response()
        except NoScriptError:
            answer = None
        except BaseException:
            self._drop(step)
            raise
        self._redis.connection_pool.release(step.connection)
        return self._go_on(step, answer)

    def _go_on(self, step: Step, answer: list | None) -> Verdicts:
        """Take in ``answer``, or ask first where there is none, until the batch is applied."""
        claim = step.claim
        while True:
            status, *rest = answer or self._apply(args=[self._request(step)])
            answer = None
            if status == b"applied":
                claim.next = step.batch.next
                claim.watermarks.update(step.verdicts.watermarks)
                return step.verdicts
            if status == b"moved" and rest[0] == str(step.batch.next).encode():
                # Applied before, the answer was lost: the verdicts that counted are those in Redis.
                claim.next = step.batch.next
                stored = self._redis.hgetall(self.names.partition(claim.partition))
                claim.watermarks = _watermarks({name.decode(): value.decode() for name, value in stored.items()})
                return step.verdicts
            if status == b"torn":
                raise Torn(claim.partition, rest[0].decode())
            _learn(status, rest, step.known, step.verdicts, self.names)

    def _request(self, step: Step) -> bytes:
        """Judge the batch by what is known, see that its refused records are safe, and pack the step."""
        batch = step.batch
        step.verdicts = self._judge.verdicts(batch, step.claim.watermarks, step.known)
        fresh = [refusal for refusal in [*batch.refused, *step.verdicts.refused] if refusal.offset not in batch.reported]
        if fresh:
            step.on_refused(fresh)
            batch.reported |= {refusal.offset for refusal in fresh}
        return request.build(self.names, step.claim.writer, batch, step.verdicts, time.time(), step.past)

    def _drop(self, step: Step) -> None:
        """An answer may still come over this connection: it must not serve another command."""
        step.connection.disconnect()
        self._redis.connection_pool.release(step.connection)


def _watermarks(stored: Mapping[str, str]) -> dict[str, int]:
    return {name.removeprefix("wm:"): int(value) for name, value in stored.items() if name.startswith("wm:")}


def _learn(status: bytes, answer: list, known: Known, verdicts: Verdicts, names: keys.Keys) -> None:
    """Take in why the step did not happen, so that the next request leaves it out, or raise."""
    if status == b"known":
        known.ids |= {str(uuid.UUID(bytes=raw)) for raw in answer[0]}
        known.transactions.update({(shop.decode(), txn.decode()): str(uuid.UUID(bytes=raw)) for shop, txn, raw in answer[1]})
    elif status == b"full":
        known.too_much.add(_largest(answer[0].decode(), verdicts, names))
    elif status == b"stale":
        raise Stale("another writer owns the partition, or its state is gone")
    elif status == b"moved":
        raise Moved(int(answer[0] or 0))
    else:
        raise StateError(
            f"key {answer[0].decode()} in Redis is not what the live state keeps there. Remove what wrote it, "
            "then start the consumer once with --new-generation",
            "state_damaged",
        )


def _largest(day_key: str, verdicts: Verdicts, names: keys.Keys) -> int:
    """Offset of the counted event that adds most to the shop-day that would overflow."""

    def amount(event: Event) -> int:
        return max(money_fields(event).values()) if event.event_name in ORDER_EVENTS else 0

    here = [group for group in verdicts.counted if names.day(group.shop_id, group.day) == day_key]
    events = [found for group in here for found in zip(group.offsets, group.events, strict=True)]
    return max(events, key=lambda found: amount(found[1]))[0]
