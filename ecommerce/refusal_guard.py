"""When most of what comes is refused, something is wrong that no dead-letter topic puts right: stop and say so.

Nothing is lost by stopping: the batch that made it stop was not counted, so its records are read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

from redis import Redis

from ecommerce.live import StateError

WINDOW = 1000
HALTED = "live:halted"
"""Hash: since, message; accepted once an operator lets the consumers go on."""
REMEDY = (
    "See `ecommerce dlq list`; put the sender, shops.toml or the contract right and start the consumer again, or let the records go "
    "to the dead-letter topic: `ecommerce dlq accept` (or start it once with --accept-refused)"
)


class RefusalGuard:
    """Watches one consumer's records in the order it reads them.

    ``strict``, after a stop, looks at the records since the start however few they are, until a window is sound.
    ``accepted`` lets everything pass until a window is sound.
    """

    def __init__(self, strict: bool = False, accepted: bool = False) -> None:
        self.strict, self.accepted = strict and not accepted, accepted
        self._seen = 0
        self._refused: deque[int] = deque()

    @property
    def recovering(self) -> bool:
        """A stop is not overcome yet."""
        return self.strict or self.accepted

    def trips(self, records: int, refused: Iterable[int]) -> bool:
        """Whether more than half of 1,000 records in a row are refused; ``refused`` are places (from 0) among ``records``."""
        tripped = False
        for place in refused:
            number = self._seen + place
            self._refused.append(number)
            while self._refused[0] <= number - WINDOW:
                self._refused.popleft()
            tripped |= number + 1 >= WINDOW and len(self._refused) > WINDOW // 2
        self._seen += records
        while self._refused and self._refused[0] <= self._seen - 1 - WINDOW:
            self._refused.popleft()
        mostly = len(self._refused) > min(self._seen, WINDOW) / 2
        if self.accepted:
            self.accepted = mostly or self._seen < WINDOW
            return False
        if self.strict:
            tripped |= mostly
            self.strict = self._seen < WINDOW
        return tripped


def halt(redis: Redis, where: str, example: str) -> StateError:
    """Remember the stop; the error that says so."""
    message = f"{where}: more than half of {WINDOW} records are refused, for example {example}. Nothing of them was counted or lost"
    redis.hset(HALTED, mapping={"since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "message": message})
    return StateError(f"{message}. {REMEDY}", "too_many_refused")


def halted(redis: Redis) -> dict[str, str]:
    """The stop that is not overcome: since, message, perhaps accepted; empty where there is none."""
    return {name.decode(): value.decode() for name, value in redis.hgetall(HALTED).items()}


def accept(redis: Redis) -> bool:
    """Let the consumers go on; False where none was stopped."""
    if not redis.exists(HALTED):
        return False
    redis.hset(HALTED, "accepted", "1")
    return True
