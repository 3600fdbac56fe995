"""The WebSockets: /ws/live?shop=ID (snapshots and notices) and /ws/notices?shop=ID (notices alone, for every other page).

Plain ASGI: Channels' consumers make a task for each message that comes, which more than doubles the feed's cost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from analytics.live_conversation import Conversation, Send
from analytics.live_hub import hub
from analytics.live_slot import Reader
from ecommerce.shops import shops

Receive = Callable[[], Awaitable[dict[str, Any]]]


async def _converse(scope: dict[str, Any], receive: Receive, send: Send, live: bool) -> None:
    await receive()  # the handshake
    shop_id, user = parse_qs(scope["query_string"].decode()).get("shop", [""])[0], scope["user"]
    if not user.is_authenticated or shop_id not in shops():
        await send({"type": "websocket.close"})  # before accepting: the handshake is answered with 403
        return
    await send({"type": "websocket.accept"})
    slot = hub().join(shop_id, Reader(scope["session"].session_key, user.pk), live)
    conversation = Conversation(send, slot)
    feeder = asyncio.create_task(conversation.feed())
    try:
        while (message := await receive())["type"] == "websocket.receive":
            await conversation.hear(message.get("text") or message.get("bytes") or b"")
    finally:
        feeder.cancel()
        await hub().leave(slot)


async def live_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI: the Live page's socket, snapshots besides notices."""
    await _converse(scope, receive, send, live=True)


async def notice_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI: every other page's socket."""
    await _converse(scope, receive, send, live=False)
