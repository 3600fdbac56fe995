"""How far a rebuild of the live state is: records done of each partition, for pages and notices."""

from __future__ import annotations

from datetime import UTC, datetime

from redis import Redis

from ecommerce import notices
from ecommerce.live import keys
from ecommerce.live.snapshot import progress

KEEP_SECONDS = 600
"""A rebuild that stopped for good does not show for ever."""
TOLD_SECONDS = 24 * 3600


class Progress:
    """Tells of one process's part in a rebuild."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._told = -1

    def begin(self, spans: dict[int, tuple[int, int]]) -> None:
        """Add partitions, each with the offsets that it has to go through: first, and next after the last."""
        self._redis.hsetnx(keys.REBUILD, "since", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        fields: dict[str, int] = {}
        for number, (first, stop) in spans.items():
            fields |= {f"first:{number}": first, f"done:{number}": 0, f"total:{number}": stop - first}
        if fields:
            self._redis.hset(keys.REBUILD, mapping=fields)
        self._redis.expire(keys.REBUILD, KEEP_SECONDS)
        self._tell()

    def unfinished(self, partition: int) -> tuple[int, int] | None:
        """The offsets of a partition that somebody began to rebuild and did not finish."""
        first, done, total = self._redis.hmget(keys.REBUILD, *(f"{name}:{partition}" for name in ("first", "done", "total")))
        if first is None or total is None or int(done or 0) >= int(total):
            return None
        return int(first), int(first) + int(total)

    def done(self, partition: int, records: int) -> None:
        """``partition`` has gone through so many records."""
        self._redis.hset(keys.REBUILD, f"done:{partition}", records)
        self._redis.expire(keys.REBUILD, KEEP_SECONDS)
        self._tell()

    def end(self) -> None:
        """The rebuild is over; pages of the day say when it was."""
        self._redis.delete(keys.REBUILD)
        self._redis.set(keys.REBUILT, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", ex=TOLD_SECONDS)
        self._told = -1
        notices.publish(self._redis, "rebuild", percent=100)

    def finish_if_done(self) -> None:
        """End the rebuild when no partition lacks records."""
        fields = {name.decode(): value.decode() for name, value in self._redis.hgetall(keys.REBUILD).items()}
        totals = {name.split(":")[1]: int(value) for name, value in fields.items() if name.startswith("total:")}
        if totals and all(int(fields.get(f"done:{number}", 0)) >= total for number, total in totals.items()):
            self.end()

    def _tell(self) -> None:
        found = progress(self._redis.hgetall(keys.REBUILD))
        if found and found["percent"] != self._told:
            self._told = found["percent"]
            notices.publish(self._redis, "rebuild", percent=self._told)
