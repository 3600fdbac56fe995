"""What is measured, each a program that serves ws://host:port/ and sends what is published in Redis to every client.

``python -m benchmarks.live.servers NAME PORT``. A message is the JSON text in the Redis key ``live:bench``; "changed" is published
on ecommerce:changed. Sign-in and sessions are left out of all of them: the feed alone is compared.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import msgspec
import redis
import redis.asyncio

from ecommerce.config import PROJECT_DIR, settings

KEY, CHANGED, GROUP, SHOP = "live:bench", "ecommerce:changed", "bench", "demo"


def read(shop_id: str) -> dict[str, Any]:
    """The message as the hub's snapshot: read from Redis anew, as a real one is."""
    return msgspec.json.decode(_client().get(KEY) or b"{}")


def _client() -> redis.Redis:
    if not hasattr(_client, "known"):
        _client.known = redis.Redis(**settings().redis_options)
    return _client.known


def _django() -> None:
    sys.path.insert(0, str(PROJECT_DIR / "django_app"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "ecommerce_analytics.settings"
    import django

    django.setup()


def hub_application() -> Any:
    """The dashboard's own socket and hub."""
    _django()
    from analytics import live_hub
    from analytics.live_consumer import live_socket

    hub = live_hub.Hub(read, settings().redis_options, settings().tick_ms / 1000)
    live_hub.hub.cache_clear()
    sys.modules["analytics.live_consumer"].hub = lambda: hub
    reader = SimpleNamespace(is_authenticated=True, pk=1)

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            session = SimpleNamespace(session_key="")
            await live_socket(scope | {"user": reader, "session": session, "query_string": f"shop={SHOP}".encode()}, receive, send)

    return application


def layer_application() -> Any:
    """Channels as its documentation has it: each socket in a group, the publisher sends to the group."""
    _django()
    from channels.generic.websocket import AsyncWebsocketConsumer

    class Consumer(AsyncWebsocketConsumer):
        channel_layer_alias = "notices"

        async def connect(self) -> None:
            await self.channel_layer.group_add(GROUP, self.channel_name)
            await self.accept()

        async def tell(self, event: dict[str, Any]) -> None:
            await self.send(text_data=event["text"])

        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            """Acknowledgements are read, as the hub's are."""

    return Consumer.as_asgi()


def on_daphne(application: Any, port: int) -> None:
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    Server(application, build_endpoint_description_strings(host="127.0.0.1", port=port), verbosity=0).run()


def on_uvicorn(application: Any, port: int) -> None:
    import uvicorn

    uvicorn.run(
        application, host="127.0.0.1", port=port, ws="websockets", ws_per_message_deflate=False, lifespan="off", log_level="warning"
    )


async def broadcast(port: int) -> None:
    """The plain way: one process, websockets' own broadcast."""
    from websockets.asyncio.server import broadcast as send_all
    from websockets.asyncio.server import serve
    from websockets.exceptions import ConnectionClosed

    sockets: set[Any] = set()

    async def handle(socket: Any) -> None:
        sockets.add(socket)
        try:
            with suppress(ConnectionClosed):
                async for _ in socket:
                    pass
        finally:
            sockets.discard(socket)

    client = redis.asyncio.Redis(**settings().redis_options)
    async with serve(handle, "127.0.0.1", port, compression=None), client.pubsub() as inbox:
        await inbox.subscribe(CHANGED)
        async for message in inbox.listen():
            if message["type"] == "message":
                send_all(sockets, (await client.get(KEY)).decode())


def main(name: str, port: int) -> None:
    if name == "broadcast":
        asyncio.run(broadcast(port))
    elif name == "hub-uvicorn":
        on_uvicorn(hub_application(), port)
    elif name == "hub-daphne":
        on_daphne(hub_application(), port)
    else:
        on_daphne(layer_application(), port)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
