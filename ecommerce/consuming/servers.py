"""Kafka and Redis as a consumer knows them: waited for while they are away, never given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisSlow
from redis.retry import Retry

from ecommerce import stream
from ecommerce.config import Settings
from ecommerce.worker import Worker

Result = TypeVar("Result")

AWAY = (RedisAway, RedisSlow)
NOT_READY = ("OOM ", "MISCONF", "LOADING", "READONLY", "BUSY ")
"""Answers of a Redis that will take writes again, by itself or with a person's help."""


class RedisNotReady(RedisError):
    """Redis answers, but cannot write at the moment: loading, full, or not able to save."""


class Servers:
    """Redis, and the way to wait for it and for Kafka. ``meanwhile`` is called in each wait for Redis."""

    def __init__(self, worker: Worker, config: Settings) -> None:
        self.worker, self.config = worker, config
        self.meanwhile: Callable[[], object] | None = None
        self._redis_name = f"Redis at {config.redis_host}:{config.redis_port}"
        retry = Retry(NoBackoff(), 0)
        self.redis = Redis(**config.redis_options, socket_timeout=10, socket_connect_timeout=3, retry=retry)
        self.on_redis(self.redis.ping)

    def on_redis(self, attempt: Callable[[], Result]) -> Result:
        """The result of ``attempt`` as soon as Redis gives one; raises Stopped where the worker is asked to stop first."""

        def once() -> Result:
            try:
                return attempt()
            except ResponseError as error:
                if any(word in str(error) for word in NOT_READY):
                    raise RedisNotReady(str(error)) from error
                raise

        return self.worker.wait_for(self._redis_name, once, (*AWAY, RedisNotReady), self.meanwhile)

    def on_kafka(self, attempt: Callable[[], Result]) -> Result:
        """The same for Kafka."""
        return self.worker.wait_for(self.config.kafka_awaited, attempt, stream.KAFKA_AWAY)
