"""The live state held against the truth: every measure of every shop-day, and every refused record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from kafka import KafkaConsumer, TopicPartition
from redis import Redis

from drills.truth import Day, Truth
from ecommerce import live, metrics, shops
from ecommerce.config import Settings
from ecommerce.live import keys

TOTALS = ("received", "counted", "duplicates", "late")


def differences(truth: Truth, redis: Redis, settings: Settings) -> list[str]:
    """Everything that is not as it must be, in words; empty when all is exact."""
    return [*_of_days(truth, redis), *_of_the_unattributed(truth, redis), *_of_dead_letters(truth, settings)]


def _of_days(truth: Truth, redis: Redis) -> Iterator[str]:
    state = live.LiveState(redis)
    for shop_id, day in sorted(truth.days.keys() | set(_live_days(redis))):
        found = state.snapshot(shops.shop(shop_id), date.fromisoformat(day))
        for problem in of_day(truth.days.get((shop_id, day), Day()), found):
            yield f"{shop_id} {day} {problem}"


def _live_days(redis: Redis) -> Iterator[tuple[str, str]]:
    generation = int(redis.hget(keys.HEADER, "generation") or 0)
    root = keys.Keys(generation).day("", "")[:-1]
    for key in redis.scan_iter(f"{root}*", count=5000):
        shop_id, _, day = key.decode().removeprefix(root).rpartition(":")
        yield shop_id, day


def of_day(truth: Day, found: dict) -> Iterator[str]:
    """What of a shop-day's snapshot ``found`` is not as in ``truth``."""
    for name in metrics.ADDITIVE:
        if Decimal(found["measures"][name]) != truth.measures.get(name, 0):
            yield f"{name} {found['measures'][name]}, should be {truth.measures.get(name, 0)}"
    totals = found["totals"]
    for name in TOTALS:
        if totals[name] != truth.totals[name]:
            yield f"{name} {totals[name]:,}, should be {truth.totals[name]:,}"
    if totals["refused"] != dict(truth.refused):
        yield f"refused {totals['refused']}, should be {dict(truth.refused)}"
    if totals["received"] != totals["counted"] + totals["duplicates"] + sum(totals["refused"].values()) + totals["late"]:
        yield f"does not add up: {totals}"
    if sum(hour["events"] for hour in found["hours"]) != truth.totals["counted"]:
        yield f"its hours hold {sum(hour['events'] for hour in found['hours']):,} events, should be {truth.totals['counted']:,}"
    for name in metrics.DISTINCT:
        if name in found["estimates"] and not _near(found["estimates"][name], len(truth.distinct[name])):
            yield f"{name} about {found['estimates'][name]:,}, should be within three standard errors of {len(truth.distinct[name]):,}"


def _near(estimate: int, exact: int) -> bool:
    return abs(estimate - exact) <= max(1, 3 * metrics.HLL_STANDARD_ERROR * exact)


def _of_the_unattributed(truth: Truth, redis: Redis) -> Iterator[str]:
    found = live.LiveState(redis).unattributed()
    if found["refused"] != dict(truth.unattributed) or found["received"] != truth.unattributed.total():
        yield f"records of no known shop {found}, should be {dict(truth.unattributed)}"


def _of_dead_letters(truth: Truth, settings: Settings) -> Iterator[str]:
    """Each refused record is in the dead-letter topic, as it came, with its reason; nothing else is."""
    kept = dead_letters(settings)
    if missing := truth.refused.keys() - kept.keys():
        yield f"{len(missing):,} of {len(truth.refused):,} refused records are not in the dead-letter topic"
    if extra := kept.keys() - truth.refused.keys():
        yield f"{len(extra):,} records in the dead-letter topic should not be there"
    if changed := [place for place in truth.refused.keys() & kept.keys() if kept[place] != truth.refused[place]]:
        place = changed[0]
        reasons = f"{kept[place][0]}, should be {truth.refused[place][0]}"
        yield f"{len(changed):,} dead letters have another reason or value than their record, the first at {place}: {reasons}"


def dead_letters(settings: Settings) -> dict[tuple[int, int], tuple[str, bytes]]:
    """Reason and value of each dead letter, by partition and offset of its record."""
    reader = KafkaConsumer(**settings.kafka_options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        partition = TopicPartition(settings.kafka_dlq_topic, 0)
        reader.assign([partition])
        end, kept = reader.end_offsets([partition])[partition], {}
        while reader.position(partition) < end:
            for records in reader.poll(500).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    kept[int(headers["partition"]), int(headers["offset"])] = headers["reason"], record.value
        return kept
    finally:
        reader.close()
