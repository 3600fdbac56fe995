"""Rare notices: what happened to the data, told to every open page.

A notice is one JSON object on the Redis channel ``ecommerce:notices``. The dashboard passes it on to
its open pages, which load anew what it concerns. Who is not there misses it: a notice carries no data
and nothing may depend on its arrival.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import msgspec
from redis import Redis

CHANNEL = "ecommerce:notices"
KINDS = ("day_published", "rebuild", "alert")


class Notice(msgspec.Struct, frozen=True):
    """One notice. ``shop_id`` None concerns every shop; ``details`` by kind:

    day_published {"date": "YYYY-MM-DD", "state": "final" or "revised"}, rebuild {"percent": 0 to 100},
    alert {"message": one line}.
    """

    kind: str
    at: datetime
    shop_id: str | None = None
    details: dict[str, Any] = {}
    id: str = ""


def publish(redis: Redis, kind: str, shop_id: str | None = None, **details: Any) -> int:
    """Tell every open page that ``kind`` happened to ``shop_id`` (None: to all shops).

    Returns:
        How many dashboard processes heard it; 0 is no failure.

    Raises:
        ValueError: ``kind`` is none of KINDS.
        redis.RedisError: Redis does not answer.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of notice; the kinds are {', '.join(KINDS)}")
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in details.items()}
    return redis.publish(CHANNEL, msgspec.json.encode(Notice(kind, datetime.now(UTC), shop_id, plain, uuid4().hex)))


def read(message: bytes) -> Notice:
    """The notice in ``message``.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none.
    """
    return msgspec.json.decode(message, type=Notice)
