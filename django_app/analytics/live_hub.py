"""The hub: one Redis subscription a process, one snapshot a tick for each watched shop, encoded once for all its sockets.

A shop is read again when the stream says that it changed, and every IDLE_SECONDS because windows
("now", "last 60 minutes", the shop's day) move by themselves. A message goes out only when
something in it differs from the last one.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import redis
import redis.asyncio
from channels.db import database_sync_to_async
from django.db import DatabaseError
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff

from analytics import notice_feed, sessions
from analytics.live_slot import Message, Reader, Slot
from analytics.live_source import TIMEOUT_SECONDS, read_snapshot
from ecommerce.config import settings

log = logging.getLogger(__name__)

CHANGED = "ecommerce:changed"
IDLE_SECONDS = 5.0
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
SESSIONS_SECONDS = 10.0


def encode(kind: str, **fields: Any) -> Message:
    """A message of ``kind`` with a key that only its reader learns."""
    key = secrets.token_hex(8)
    return Message(key, msgspec.json.encode({"type": kind, "key": key, **fields}).decode())


class Hub:
    """Feeds every live socket of this process. Its tasks run while someone watches.

    ``read`` takes a shop's id to its snapshot, in a thread; it may raise redis.RedisError.
    """

    def __init__(self, read: Callable[[str], dict[str, Any]], options: dict[str, Any], tick_seconds: float) -> None:
        self._read = read
        self._options = options
        self._tick = tick_seconds
        self._slots: dict[str, set[Slot]] = {}
        self._listeners: set[Slot] = set()
        self._noticed: dict[str, float] = {}
        self._last: dict[str, tuple[dict[str, Any], Message]] = {}
        self._outage: Message | None = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def join(self, shop_id: str, reader: Reader | None = None, live: bool = True) -> Slot:
        """A slot that gets the shop's notices and, where ``live``, its snapshots, beginning with the current one."""
        slot = Slot(shop_id, reader)
        self._listeners.add(slot)
        if live:
            self._watch(slot)
        if not self._tasks:
            jobs = (self._subscribe, self._serve, self._bridge, self._hear, self._check_sessions)
            self._tasks = [asyncio.create_task(self._forever(job)) for job in jobs]
        return slot

    def _watch(self, slot: Slot) -> None:
        self._slots.setdefault(slot.shop_id, set()).add(slot)
        if self._outage:
            slot.put(self._outage)
        elif slot.shop_id in self._last:
            slot.put(self._last[slot.shop_id][1])
        self._notice(slot.shop_id)

    async def leave(self, slot: Slot) -> None:
        """Forgets the slot; with the last one the hub goes to sleep."""
        self._listeners.discard(slot)
        watchers = self._slots.get(slot.shop_id, set())
        watchers.discard(slot)
        if not watchers:
            self._slots.pop(slot.shop_id, None)
            self._last.pop(slot.shop_id, None)
        if not self._listeners:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._outage = None

    def _notice(self, shop_id: str) -> None:
        if shop_id in self._slots:
            self._noticed.setdefault(shop_id, time.monotonic())
            self._wake.set()

    async def _forever(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        wait = FIRST_WAIT
        while True:
            began = time.monotonic()
            try:
                await job()
            except (redis.RedisError, OSError) as error:
                self._lost(error)
            except Exception:
                log.exception("the live hub failed; it starts again")
            if time.monotonic() - began > LONGEST_WAIT:
                wait = FIRST_WAIT
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(LONGEST_WAIT, wait * 2)

    def _lost(self, error: Exception) -> None:
        if self._outage:
            return
        log.warning("Redis is away, live numbers stand still: %s", error)
        self._outage = encode("outage", what="Redis", since=datetime.now(UTC).isoformat())
        self._tell(self._outage, (slot for slots in self._slots.values() for slot in slots))

    @staticmethod
    def _tell(message: Message, slots: Any) -> None:
        for slot in slots:
            slot.put(message)

    async def _subscribe(self) -> None:
        client = redis.asyncio.Redis(**self._options)
        async with client, client.pubsub() as inbox:
            await inbox.subscribe(CHANGED)
            for shop_id in self._slots:  # what changed while nobody listened
                self._notice(shop_id)
            while True:
                message = await inbox.get_message(ignore_subscribe_messages=True, timeout=IDLE_SECONDS)
                if message is None:
                    await inbox.ping()  # a connection that is gone shows itself only when written to
                elif message["type"] == "message":
                    self._notice(message["data"].decode())

    async def _serve(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            for shop_id in list(self._noticed or self._slots):
                await self._publish(shop_id)
            await asyncio.sleep(max(0.0, self._tick - (time.monotonic() - began)))

    async def _publish(self, shop_id: str) -> None:
        noticed = self._noticed.pop(shop_id, None)
        try:
            snapshot = await asyncio.to_thread(self._read, shop_id)
        except redis.RedisError:
            self._notice(shop_id)
            raise
        if shop_id not in self._slots:
            return
        compared = {name: value for name, value in snapshot.items() if name != "as_of"}
        before = self._last.get(shop_id)
        if before and before[0] == compared and not self._outage:
            return
        waited_ms = round((time.monotonic() - noticed) * 1000) if noticed else 0
        message = encode("snapshot", waited_ms=waited_ms, snapshot=snapshot)
        self._last[shop_id] = (compared, message)
        if self._outage:
            self._found()
        self._tell(message, self._slots[shop_id])

    def _found(self) -> None:
        log.info("Redis is back")
        self._outage = None
        for shop_id in self._slots:
            self._last.pop(shop_id, None)
            self._notice(shop_id)

    async def _bridge(self) -> None:
        await notice_feed.bridge(self._options)

    async def _hear(self) -> None:
        await notice_feed.hear(self._on_message)

    def _on_message(self, message: dict[str, Any]) -> None:
        """What another process told: a notice, or that a session or all sessions of a user are over."""
        match message["type"]:
            case "notice":
                self._pass_on(message["notice"])
            case "session.over":
                self._end(slot for slot in self._listeners if slot.reader.session == message["session"])
            case "user.over":
                self._end(slot for slot in self._listeners if slot.reader.user_id == message["user_id"])

    def _pass_on(self, notice: dict[str, Any]) -> None:
        message = encode("notice", notice=notice)
        for slot in self._listeners:
            if notice["shop_id"] in (None, slot.shop_id):
                slot.notify(notice["kind"], message)

    @staticmethod
    def _end(slots: Iterable[Slot]) -> None:
        for slot in slots:
            slot.end()

    async def _check_sessions(self) -> None:
        """Ends sockets whose session is gone, also where no process told so: it expired, or Redis was away."""
        while True:
            await asyncio.sleep(SESSIONS_SECONDS)
            held = {slot.reader.session for slot in self._listeners if slot.reader.session}
            try:
                known = await database_sync_to_async(sessions.alive)(held)
            except DatabaseError as error:
                log.warning("the sessions of open sockets were not checked: %s", error)
                continue
            self._end(slot for slot in self._listeners if slot.reader.session in held - known)


@lru_cache(maxsize=1)
def hub() -> Hub:
    """This process's hub."""
    options = settings().redis_options | {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
    return Hub(read_snapshot, options | {"retry": AsyncRetry(NoBackoff(), 0)}, settings().tick_ms / 1000)
