"""Generations of the live state: one serves, another may be built beside it and takes its place in one step."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from redis import Redis

from ecommerce.live import keys

_SWAP = (Path(__file__).parent / "swap.lua").read_text(encoding="utf-8")


def serving(redis: Redis) -> int | None:
    """The generation that readers see; None where there is no live state."""
    found = redis.hget(keys.HEADER, "generation")
    return None if found is None else int(found)


def begin(redis: Redis) -> int:
    """Begin to build a generation; one that was being built before is given up.

    Returns:
        The new generation's number.
    """
    stored = redis.hmget(keys.HEADER, "generation", "building")
    given_up = int(stored[1] or 0)
    number = max(int(stored[0] or 0), given_up) + 1
    redis.hset(keys.HEADER, "building", number)
    if given_up:
        drop(redis, given_up)
    return number


def swap(redis: Redis, generation: int, partitions: Iterable[int]) -> bool:
    """Let ``generation`` serve in one step and remove the one before; False where another rebuild took over."""
    old = serving(redis)
    before = keys.Keys(old or 0)
    done = redis.eval(_SWAP, 2 + len(numbers := list(partitions)), keys.HEADER, keys.REBUILD, *map(before.partition, numbers), generation)
    if done and old:
        drop(redis, old)
    return bool(done)


def drop(redis: Redis, generation: int) -> None:
    """Remove every key of ``generation``."""
    for key in redis.scan_iter(match=f"{keys.Keys(generation).root}*", count=1000):
        redis.unlink(key)


def new_generation(redis: Redis) -> int:
    """Forget which log the live state counts and begin an empty generation.

    Returns:
        The new generation's number.
    """
    old = serving(redis) or 0
    drop(redis, old)
    redis.delete(keys.HEADER, keys.REBUILD)
    redis.hset(keys.HEADER, "generation", old + 1)
    return old + 1
