"""The live state as the dashboard reads it."""

from functools import lru_cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from analytics import formats
from ecommerce.config import settings
from ecommerce.live import LiveState
from ecommerce.shops import shop

TIMEOUT_SECONDS = 2


def impatient(read_seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Client options with which a page or the hub soon learns that Redis is away; redis-py's own retries take half a minute."""
    return settings().redis_options | {"socket_timeout": read_seconds, "socket_connect_timeout": TIMEOUT_SECONDS, "retry": _once()}


def _once() -> Retry:
    # Once more where a pooled connection was cut, as by a restart of Redis; never after a time-out.
    return Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))


@lru_cache(maxsize=1)
def state() -> LiveState:
    """The process's live state; its connection is made at the first use and again after a loss."""
    return LiveState(redis.Redis(**impatient()))


def read_snapshot(shop_id: str) -> dict[str, Any]:
    """The snapshot of the shop's current day, as people may see it.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    return shown(state().snapshot(shop(shop_id)))


def shown(snapshot: dict[str, Any]) -> dict[str, Any]:
    """``snapshot`` whose texts from events hold no control character, and whose newest events do not say of which order they are."""
    said = {"top_products": [_inert(row) for row in snapshot["top_products"]], "latest": [_inert(row) for row in snapshot["latest"]]}
    places = {name: [_inert(row) for row in rows] for name, rows in snapshot["breakdown"].items()}
    return snapshot | said | {"breakdown": places}


def _inert(row: dict[str, Any]) -> dict[str, Any]:
    return {name: formats.inert(value) if isinstance(value, str) else value for name, value in row.items() if name != "transaction_id"}
