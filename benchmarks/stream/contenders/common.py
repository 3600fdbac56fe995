"""What all contenders share: where the servers are, when counting began and ended, and the five aggregates of the peers."""

from __future__ import annotations

import json
import os
import time
from collections import Counter, defaultdict
from typing import Any

BENCH: dict[str, Any] = json.loads(os.environ.get("BENCH", "{}"))
TOPIC, COUNT = BENCH.get("topic", ""), BENCH.get("count", 0)
GROUP = f"bench-{os.getpid()}"

LIBRDKAFKA = {
    "bootstrap.servers": BENCH.get("bootstrap"),
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "SCRAM-SHA-256",
    "sasl.username": BENCH.get("user"),
    "sasl.password": BENCH.get("password"),
}


class Meter:
    """Wall and CPU seconds of this process, from its first events to its last."""

    def __init__(self) -> None:
        self.events, self._began = 0, None

    def begin(self) -> None:
        """Call when the first events are there; later calls do nothing."""
        if self._began is None:
            self._began = time.perf_counter(), time.process_time()

    def add(self, events: int) -> bool:
        """Note that so many more are done; True when that is all."""
        self.begin()
        self.events += events
        return self.events >= COUNT

    def end(self) -> None:
        """Print the result and leave at once, whatever threads there are."""
        wall, cpu = self._began
        result = {"events": self.events, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        os.write(1, f"\n{json.dumps(result)}\n".encode())  # a framework may have taken sys.stdout for itself
        os._exit(0)


def redis_client():
    import redis

    return redis.Redis(**BENCH["redis"])


def units(text: str) -> int:
    """Money in 1/10,000."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 10_000 + int(fraction.ljust(4, "0") or 0)


def gross(event: dict) -> int:
    """Gross revenue of a purchase, 1/10,000; 0 of anything else."""
    return sum(units(item["price"]) * item["quantity"] for item in event["items"]) if event["event_name"] == "purchase" else 0


class Aggregates:
    """Events by name and revenue of the day, both by minute, distinct visitors, revenue by product; no dedupe, no offsets."""

    def __init__(self) -> None:
        self._redis = redis_client()
        self._reset()

    def _reset(self) -> None:
        self._days: dict[str, Counter] = defaultdict(Counter)
        self._minutes: dict[str, Counter] = defaultdict(Counter)
        self._visitors: dict[str, set] = defaultdict(set)
        self._products: dict[str, Counter] = defaultdict(Counter)

    def add(self, event: dict) -> None:
        """Take in one event, decoded."""
        place = f"{event['shop_id']}:{event['event_time'][:10]}"
        day, minute = self._days[place], self._minutes[f"{event['shop_id']}:{event['event_time'][:16]}"]
        day[event["event_name"]] += 1
        minute["events"] += 1
        self._visitors[place].add(event["client_id"])
        if event["event_name"] == "purchase":
            revenue = gross(event)
            day["revenue"] += revenue
            minute["revenue"] += revenue
            for item in event["items"]:
                self._products[place][item["item_id"]] += units(item["price"]) * item["quantity"]

    def flush(self) -> None:
        """Write the sums since the last flush to Redis in one pipeline."""
        pipe = self._redis.pipeline(transaction=False)
        for kind, sums in (("day", self._days), ("minute", self._minutes)):
            for place, counts in sums.items():
                for name, count in counts.items():
                    pipe.hincrby(f"bench:{kind}:{place}", name, count)
        for place, visitors in self._visitors.items():
            pipe.pfadd(f"bench:visitors:{place}", *visitors)
        for place, products in self._products.items():
            for item_id, revenue in products.items():
                pipe.zincrby(f"bench:products:{place}", revenue, item_id)
        pipe.execute()
        self._reset()


def commands(redis_or_pipe: Any, event: dict) -> None:
    """The same aggregates, one Redis command each."""
    place, minute = f"{event['shop_id']}:{event['event_time'][:10]}", f"{event['shop_id']}:{event['event_time'][:16]}"
    redis_or_pipe.hincrby(f"bench:day:{place}", event["event_name"], 1)
    redis_or_pipe.hincrby(f"bench:minute:{minute}", "events", 1)
    redis_or_pipe.pfadd(f"bench:visitors:{place}", event["client_id"])
    if event["event_name"] == "purchase":
        revenue = gross(event)
        redis_or_pipe.hincrby(f"bench:day:{place}", "revenue", revenue)
        redis_or_pipe.hincrby(f"bench:minute:{minute}", "revenue", revenue)
        for item in event["items"]:
            redis_or_pipe.zincrby(f"bench:products:{place}", units(item["price"]) * item["quantity"], item["item_id"])
