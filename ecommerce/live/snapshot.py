"""Reading the live state: one shop-day as a JSON-able snapshot, in one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis

from ecommerce import metrics
from ecommerce.events import money_text
from ecommerce.live import keys
from ecommerce.shops import Shop

VERSION = 2
MINUTES = 60
TOP_PRODUCTS = TOP_VALUES = 10
LATEST = {"orders": 12, "activity": 8}
RATE_SECONDS = 10
TOTALS = ("received", "counted", "duplicates", "late")
ESTIMATES = {"visitors": "visitors", "sessions": "sessions", "sessions_with_cart": "add_to_cart", "sessions_with_order": "purchase"}

_TOP = (Path(__file__).parent / "top.lua").read_text(encoding="utf-8")


class LiveState:
    """The live state as readers see it. ``redis`` must not decode responses."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._generation = 0

    def snapshot(self, shop: Shop, day: date | None = None) -> dict[str, Any]:
        """Everything that is known of ``shop`` on ``day`` (default: its current day), ready for JSON.

        Counts are integers, money is a decimal string with four places in the shop's currency. Sums are
        exact; ``estimates``, ``now`` and ``funnel`` are HyperLogLog estimates with ``standard_error``.
        ``breakdown`` has the ten values of each dimension with most gross revenue, then most events; ``rebuild``
        is None or the percentage and beginning of a rebuild that is under way, ``rebuilt_at`` when the last one of 24 hours ended. ``minutes`` end now or, for a day gone by, at its last event.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        while True:
            generation, found = self._read(keys.Keys(self._generation), shop, day or shop.today())
            if generation == self._generation:
                return found
            self._generation = generation

    def unattributed(self) -> dict[str, Any]:
        """Records that belong to no known shop: received, and refused by reason."""
        names = keys.Keys(int(self._redis.hget(keys.HEADER, "generation") or 0))
        totals = _totals(_integers(self._redis.hgetall(names.unattributed())))
        return {"received": totals["received"], "refused": totals["refused"]}

    def late(self, shop: Shop, day: date) -> set[tuple[int, int]]:
        """Partition and offset of the events of ``day`` that came too late to count; at most the newest 10,000."""
        names = keys.Keys(int(self._redis.hget(keys.HEADER, "generation") or 0))
        found = self._redis.lrange(names.late(shop.shop_id, day.isoformat()), 0, -1)
        return {(int(number), int(offset)) for number, _, offset in (place.partition(b":") for place in found)}

    def _read(self, names: keys.Keys, shop: Shop, day: date) -> tuple[int, dict[str, Any]]:
        """The current generation, and the snapshot as of the generation of ``names``."""
        now, text, shop_id = time.time(), day.isoformat(), shop.shop_id
        current = int(now) // 60
        last = current if day >= shop.today() else self._last_minute(names, shop, day)
        pipe = self._redis.pipeline(transaction=False)
        pipe.hgetall(names.day(shop_id, text))
        pipe.hgetall(names.hours(shop_id, text))
        for what in ("visitors", "sessions", *keys.STEPS):
            pipe.pfcount(names.distinct(what, shop_id, text))
        for what in ("visitors", "sessions"):
            pipe.pfcount(*(names.active(what, shop_id, current - back) for back in range(keys.WINDOW_MINUTES)))
        for what in LATEST:
            pipe.lrange(names.latest(what, shop_id, text), 0, LATEST[what] - 1)
        pipe.eval(_TOP, 4, *(names.products(what, shop_id, text) for what in ("rank", "gross", "units", "name")), TOP_PRODUCTS)
        for dimension in keys.DIMENSIONS:
            pipe.hgetall(names.breakdown(dimension, shop_id, text))
        pipe.hgetall(keys.REBUILD)
        pipe.get(keys.REBUILT)
        pipe.mget([names.rate(shop_id, int(now) - back) for back in range(1, RATE_SECONDS + 1)])
        shown = range(last - MINUTES + 1, last + 1)
        for minute in shown:
            pipe.hgetall(names.minute(shop_id, minute))
        # Last: a generation that still serves now was whole while it was read.
        pipe.hget(keys.HEADER, "generation")
        sums, hours, *rest, generation = pipe.execute()
        counts, active, rest = rest[:6], rest[6:8], rest[8:]
        orders, activity, top, *places, rebuild, rebuilt, rate = rest[: 6 + len(keys.DIMENSIONS)]
        minutes = rest[6 + len(keys.DIMENSIONS) :]
        return int(generation or 0), _document(
            shop, text, now, _integers(sums), _integers(hours), dict(zip(("visitors", "sessions", *keys.STEPS), counts, strict=True)),
            active, [*orders, *activity], top, rate, dict(zip(shown, map(_integers, minutes), strict=True)),
            dict(zip(keys.DIMENSIONS, map(_breakdown, places), strict=True)), progress(rebuild), rebuilt,
        )  # fmt: skip

    def _last_minute(self, names: keys.Keys, shop: Shop, day: date) -> int:
        """The minute of the last event of a day gone by, or the day's last minute."""
        stored = self._redis.hget(names.day(shop.shop_id, day.isoformat()), "last_event_ms")
        return int(stored) // 60_000 if stored else keys.minute_of(shop.bounds(day)[1]) - 1


def _document(
    shop: Shop, day: str, now: float, sums: dict[str, int], hours: dict[str, int], counts: dict[str, int], active: list[int],
    latest: list[bytes], top: list[list[bytes]], rate: Iterable[bytes | None], minutes: dict[int, dict[str, int]],
    breakdown: dict[str, list], rebuild: dict[str, Any] | None, rebuilt: bytes | None,
) -> dict[str, Any]:  # fmt: skip
    last = sums.get("last_event_ms")
    return {
        "version": VERSION,
        "shop_id": shop.shop_id,
        "currency": shop.currency,
        "time_zone": shop.time_zone,
        "date": day,
        "as_of": _rfc3339(datetime.fromtimestamp(now, UTC)),
        "measures": measures(sums),
        "estimates": {name: counts[key] for name, key in ESTIMATES.items()},
        "standard_error": metrics.HLL_STANDARD_ERROR,
        "now": {"visitors": active[0], "sessions": active[1], "window_minutes": keys.WINDOW_MINUTES},
        "funnel": {"sessions": counts["sessions"], **{step: counts[step] for step in keys.STEPS}},
        "minutes": [{"minute": _rfc3339(keys.minute_start(m)), **_bucket(values, with_gross=True)} for m, values in minutes.items()],
        "hours": [{"hour": f"{hour:02d}:00", **_bucket(_part(hours, f"{hour:02d}:"))} for hour in range(24)],
        "top_products": [_product(*row) for row in top],
        "breakdown": breakdown,
        "rebuild": rebuild,
        "rebuilt_at": rebuilt.decode() if rebuilt else None,
        "latest": sorted(map(msgspec.json.decode, latest), key=lambda entry: entry["event_time"], reverse=True),
        "events_per_second": sum(int(count) for count in rate if count) / RATE_SECONDS,
        "totals": _totals(sums),
        "last_event_at": None if last is None else _rfc3339(keys.EPOCH + timedelta(milliseconds=last)),
        "lag_ms": max(0, sums["lag_ms"]) if "lag_ms" in sums else None,
    }


def measures(sums: Mapping[str, int]) -> dict[str, int | str]:
    """Every additive measure of ``sums`` (money in 1/10,000), net revenue and signed adjustments derived."""
    values = {name: sums.get(name, 0) for name in metrics.ADDITIVE}
    values["adjustments"] = sums.get("adjustments_up", 0) - sums.get("adjustments_down", 0)
    values["net_revenue"] = values["gross_revenue"] - values["discounts"] - values["refunds"] + values["adjustments"]
    return {name: money_text(value) if name in metrics.MONEY else value for name, value in values.items()}


def _bucket(sums: Mapping[str, int], with_gross: bool = False) -> dict[str, int | str]:
    values = measures(sums)
    gross = {"gross_revenue": values["gross_revenue"]} if with_gross else {}
    return {"events": sums.get("events", 0), "orders": values["orders"], **gross, "net_revenue": values["net_revenue"]}


def _part(sums: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): value for name, value in sums.items() if name.startswith(prefix)}


def _totals(sums: Mapping[str, int]) -> dict[str, Any]:
    return {**{name: sums.get(name, 0) for name in TOTALS}, "refused": _part(sums, "refused:")}


def _product(item: bytes, gross: bytes, units: bytes, name: bytes) -> dict[str, int | str]:
    item_id = item.decode()
    return {"item_id": item_id, "item_name": name.decode() or item_id, "units": int(units), "gross_revenue": money_text(int(gross))}


def _breakdown(fields: Mapping[bytes, bytes]) -> list[dict[str, int | str]]:
    sums: dict[str, dict[str, int]] = {}
    for name, count in fields.items():
        measure, _, value = name.decode().partition(":")
        sums.setdefault(value, {})[measure] = int(count)
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1]["gross_revenue"], -pair[1]["events"], pair[0]))
    return [{"value": value, **counts, "gross_revenue": money_text(counts["gross_revenue"])} for value, counts in ranked[:TOP_VALUES]]


def progress(fields: Mapping[bytes, bytes]) -> dict[str, Any] | None:
    """Percent done and beginning (RFC 3339) of the rebuild that ``fields`` of the key REBUILD tell of, if any."""
    if b"since" not in fields:
        return None
    done = {name.split(b":")[1]: int(value) for name, value in fields.items() if name.startswith(b"done:")}
    total = {name.split(b":")[1]: int(value) for name, value in fields.items() if name.startswith(b"total:")}
    percent = 100 * sum(done.values()) // max(1, sum(total.values()))
    return {"percent": min(99, percent), "since": fields[b"since"].decode()}


def _integers(fields: Mapping[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in fields.items()}


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
