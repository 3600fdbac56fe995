"""The WebSockets: /ws/live?shop=ID (snapshots and notices) and /ws/notices?shop=ID (notices alone, for every other page).

Server to browser: {"type": "snapshot", "key", "waited_ms", "snapshot"}, {"type": "outage", "key", "what", "since"},
{"type": "notice", "key", "notice": {"kind", "at", "shop_id", "details"}}, {"type": "pong", "ping"}. Browser to
server: {"ack": key} for each message that has a key, and {"ping": n}. The next message waits for the ack, so that
a browser that never reads costs one message, and is closed after ACK_SECONDS.
"""

import asyncio
import time
from urllib.parse import parse_qs

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer

from analytics.live_hub import hub
from analytics.live_slot import Reader
from ecommerce.shops import shops

ACK_SECONDS = 30.0
PING_SECONDS = 1.0
LARGEST = 1024
MALFORMED, SESSION_OVER, NOT_READING, TOO_LARGE = 4400, 4401, 4408, 4409


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """What a browser may say."""

    ack: str = ""
    ping: int = -1


class NoticeConsumer(AsyncWebsocketConsumer):
    """One browser's socket. Without a session or with an unknown shop the handshake is refused (403)."""

    live = False
    slot = None
    feeder = None

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode())
        shop_id, user = query.get("shop", [""])[0], self.scope["user"]
        if not user.is_authenticated or shop_id not in shops():
            await self.close()
            return
        await self.accept()
        self.awaited, self.arrived, self.ponged = "", asyncio.Event(), 0.0
        self.slot = hub().join(shop_id, Reader(self.scope["session"].session_key, user.pk), self.live)
        self.feeder = asyncio.create_task(self.feed())

    async def feed(self) -> None:
        """Sends the newest message as long as the browser says that the last one arrived."""
        while message := await self.slot.take():
            self.awaited = message.key
            self.arrived.clear()
            await self.send(text_data=message.text)
            try:
                async with asyncio.timeout(ACK_SECONDS):
                    await self.arrived.wait()
            except TimeoutError:
                await self.close(NOT_READING)
                return
        await self.close(SESSION_OVER)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len(text_data or bytes_data or "") > LARGEST:
            await self.close(TOO_LARGE)
            return
        try:
            said = msgspec.json.decode(text_data or b"", type=Said)
        except msgspec.DecodeError:
            await self.close(MALFORMED)
            return
        if said.ack and said.ack == self.awaited:
            self.arrived.set()
        if said.ping >= 0 and time.monotonic() - self.ponged >= PING_SECONDS:
            self.ponged = time.monotonic()
            await self.send(text_data=msgspec.json.encode({"type": "pong", "ping": said.ping}).decode())

    async def disconnect(self, code: int) -> None:
        if self.feeder:
            self.feeder.cancel()
        if self.slot:
            await hub().leave(self.slot)


class LiveConsumer(NoticeConsumer):
    """The Live page's socket: snapshots besides notices."""

    live = True
