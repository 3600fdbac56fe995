"""Rare notices on their way to the sockets: Redis channel, one dashboard process, the Channels layer's group, every process.

Each process hears the Redis channel, so that none has to be chosen; the first to mark a notice as
passed on sends it to the group, the others leave it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import redis
import redis.asyncio
from channels.layers import get_channel_layer

from ecommerce import notices

log = logging.getLogger(__name__)

GROUP = "notices"
LAYER = "notices"
REGROUP_SECONDS = 3600.0
PING_SECONDS = 5.0
MARK_SECONDS = 300


async def tell(kind: str, **fields: Any) -> None:
    """Sends a message of ``kind`` ("notice", "session.over" or "user.over") to every dashboard process.

    Raises:
        redis.RedisError, OSError: Redis does not answer.
    """
    await get_channel_layer(LAYER).group_send(GROUP, {"type": kind, **fields})


async def bridge(options: dict[str, Any]) -> None:
    """Passes notices from the Redis channel on to the group, each once however many processes listen; never returns."""
    client = redis.asyncio.Redis(**options)
    async with client, client.pubsub() as inbox:
        await inbox.subscribe(notices.CHANNEL)
        while True:
            message = await inbox.get_message(ignore_subscribe_messages=True, timeout=PING_SECONDS)
            if message is None:
                await inbox.ping()  # a connection that is gone shows itself only when written to
            elif message["type"] == "message":
                await _pass_on(client, message["data"])


async def _pass_on(client: redis.asyncio.Redis, data: bytes) -> None:
    try:
        notice = notices.read(data)
    except msgspec.DecodeError as error:
        log.warning("a notice is not understood and left: %s", error)
        return
    if await client.set(f"ecommerce:notice:{notice.id}", 1, nx=True, ex=MARK_SECONDS):
        await tell("notice", notice=msgspec.to_builtins(notice))


async def hear(on_message: Callable[[dict[str, Any]], None]) -> None:
    """Gives each of the group's messages to ``on_message``; never returns."""
    layer = get_channel_layer(LAYER)
    name = await layer.new_channel()
    try:
        while True:
            await layer.group_add(GROUP, name)
            with suppress(TimeoutError):
                async with asyncio.timeout(REGROUP_SECONDS):
                    while True:
                        on_message(await layer.receive(name))
    finally:
        with suppress(redis.RedisError):
            await layer.group_discard(GROUP, name)
