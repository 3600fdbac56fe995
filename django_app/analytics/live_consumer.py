"""The live WebSocket, /ws/live?shop=ID: the current snapshot at once, then the newest whenever something changed.

Server to browser: {"type": "snapshot", "key", "waited_ms", "snapshot"}, {"type": "outage", "key", "what",
"since"}, {"type": "pong", "ping"}. Browser to server: {"ack": key} for each message that has a key, and
{"ping": n}. The next message waits for the ack, so that a browser that never reads costs one message.
"""

import asyncio
import time
from urllib.parse import parse_qs

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer

from analytics.live_hub import hub
from ecommerce.shops import shops

ACK_SECONDS = 30.0
PING_SECONDS = 1.0
MALFORMED, SESSION_OVER, NOT_READING = 4400, 4401, 4408


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """What a browser may say."""

    ack: str = ""
    ping: int = -1


class LiveConsumer(AsyncWebsocketConsumer):
    """One browser's socket. Without a session or with an unknown shop the handshake is refused (403)."""

    slot = None
    feeder = None

    async def connect(self) -> None:
        query = parse_qs(self.scope["query_string"].decode())
        shop_id = query.get("shop", [""])[0]
        if not self.scope["user"].is_authenticated or shop_id not in shops():
            await self.close()
            return
        await self.accept()
        self.awaited, self.arrived, self.ponged = "", asyncio.Event(), 0.0
        self.slot = hub().join(shop_id, self.scope["session"].session_key)
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
