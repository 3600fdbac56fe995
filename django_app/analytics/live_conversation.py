"""One live socket's conversation: a message at a time, each after the browser has acknowledged the one before.

Server to browser: {"type": "snapshot", "key", "waited_ms", "snapshot"}, {"type": "outage", "key", "what", "since"},
{"type": "notice", "key", "notice": {"kind", "at", "shop_id", "details"}}, {"type": "pong", "ping"}. Browser to
server: {"ack": key} for each message that has a key, and {"ping": n}. A browser that never reads costs one message,
and is closed after ACK_SECONDS.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from analytics.live_slot import Slot

ACK_SECONDS = 30.0
PING_SECONDS = 1.0
LARGEST = 1024
MALFORMED, SESSION_OVER, NOT_READING, TOO_LARGE = 4400, 4401, 4408, 4409

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """What a browser may say."""

    ack: str = ""
    ping: int = -1


read_said = msgspec.json.Decoder(Said).decode


class Conversation:
    """One open socket: sends what its slot holds, one message at a time, each after the browser has the one before."""

    def __init__(self, send: Send, slot: Slot) -> None:
        self._send, self._slot = send, slot
        self._awaited, self._arrived = "", asyncio.Event()
        self._sent_at = self._ponged = 0.0

    async def feed(self) -> None:
        """Sends until the session is over."""
        watch = asyncio.create_task(self._watch())
        try:
            while message := await self._slot.take():
                self._awaited, self._sent_at = message.key, time.monotonic()
                self._arrived.clear()
                await self._send({"type": "websocket.send", "text": message.text})
                await self._arrived.wait()
            await self.close(SESSION_OVER)
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """Closes the socket once a message has waited for its ack too long; one timer a socket, not one a message."""
        while True:
            left = self._sent_at + ACK_SECONDS - time.monotonic() if self._awaited else ACK_SECONDS
            if left <= 0:
                await self.close(NOT_READING)
                return
            await asyncio.sleep(left)

    async def hear(self, data: str | bytes) -> None:
        """Takes in what the browser said."""
        if len(data) > LARGEST:
            await self.close(TOO_LARGE)
            return
        try:
            said = read_said(data)
        except msgspec.DecodeError:
            await self.close(MALFORMED)
            return
        if said.ack and said.ack == self._awaited:
            self._awaited = ""
            self._arrived.set()
        if said.ping >= 0 and time.monotonic() - self._ponged >= PING_SECONDS:
            self._ponged = time.monotonic()
            await self._send({"type": "websocket.send", "text": msgspec.json.encode({"type": "pong", "ping": said.ping}).decode()})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})
