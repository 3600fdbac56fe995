"""The live state as the dashboard reads it."""

from functools import lru_cache
from typing import Any

import redis

from ecommerce.config import settings
from ecommerce.live import LiveState
from ecommerce.shops import shop

TIMEOUT_SECONDS = 2


@lru_cache(maxsize=1)
def state() -> LiveState:
    """The process's live state; its connection is made at the first use and again after a loss."""
    client = redis.Redis(**settings().redis_options, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
    return LiveState(client)


def read_snapshot(shop_id: str) -> dict[str, Any]:
    """The snapshot of the shop's current day.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    return state().snapshot(shop(shop_id))
