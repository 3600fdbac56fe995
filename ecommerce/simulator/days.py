"""One whole day of the simulated shop: the same bytes for the same shop, date and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from ecommerce.events import Event, encode
from ecommerce.shops import Shop
from ecommerce.simulator.answer_key import AnswerKey
from ecommerce.simulator.catalogue import catalogue
from ecommerce.simulator.orders import LONGEST_RETURN, Order, OrderBook, orders_of
from ecommerce.simulator.people import Crowd, Visitor
from ecommerce.simulator.rhythm import day_clock, sessions_of
from ecommerce.simulator.visits import CART_SHARE, Guide, Step, aftermath_step, event_of

DATA_FILE, KEY_FILE = "events.jsonl", "expected.json"
VARIANT = "89ab"


class _Happening(NamedTuple):
    """A step at its millisecond of the day; ``order`` makes the sort of equal milliseconds certain."""

    offset_ms: int
    order: int
    visitor: Visitor
    session_id: str
    step: Step


def day_events(shop: Shop, day: date, seed: int, key: AnswerKey | None = None) -> Iterator[Event]:
    """All events of the shop-day in time order: its visits, and the refunds of orders of earlier days.

    The whole day is drawn before the first event is yielded. ``key``, if given, counts each event.
    """
    clock = day_clock(shop, day)
    identity = f"{shop.shop_id}|simulated|{day}|{seed}|"
    for sequence, happening in enumerate(sorted(_happenings(shop, day, seed), key=lambda h: h[:2])):
        offset_ms, _, visitor, session_id, step = happening
        if key is not None:
            key.add(visitor, session_id, step)
        yield event_of(shop, visitor, session_id, step, _event_id(identity, sequence), clock.instant(offset_ms))


def write_day(shop: Shop, day: date, seed: int, folder: Path) -> tuple[Path, int]:
    """Write the day's events.jsonl, one wire event a line, and its answer key expected.json into ``folder``.

    Returns:
        The data file and its number of lines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = AnswerKey(shop, day, seed)
    path = folder / DATA_FILE
    with path.open("wb", buffering=1 << 20) as stream:
        for event in day_events(shop, day, seed, key):
            stream.write(encode(event) + b"\n")
    result = key.result()
    (folder / KEY_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    return path, result["lines"]


def _happenings(shop: Shop, day: date, seed: int) -> Iterator[_Happening]:
    clock = day_clock(shop, day)
    number = 0
    for visitor, session_id, fraction, steps in _visits(shop, day, seed):
        offset = min(clock.visit_ms(fraction), clock.length_ms - 1 - sum(step.wait_ms for step in steps))
        for step in steps:
            offset += step.wait_ms
            number += 1
            yield _Happening(offset, number, visitor, session_id, step)
    for order in _aftermaths(shop, day, seed):
        number += 1
        offset = clock.office_ms(order.aftermath.office_fraction)
        yield _Happening(offset, number, order.visitor, order.session_id, aftermath_step(order))


def _visits(shop: Shop, day: date, seed: int) -> Iterator[tuple[Visitor, str, float, list[Step]]]:
    """Every visit of the day: its visitor, session, when it begins (share of the day's visits) and its steps."""
    rng = Random(f"{shop.shop_id}|{seed}|{day}|visits")
    crowd = Crowd(shop.shop_id, shop.currency, seed, day, f"{day:%y%m%d}")
    guide, book = Guide(catalogue(shop.shop_id, seed), rng), OrderBook(shop, seed, crowd, rng)
    orders = orders_of(shop, day, seed)
    for order in orders:
        yield order.visitor, order.session_id, order.fraction, guide.buy(order)
    for index in range(sessions_of(shop.shop_id, day, seed) - len(orders)):
        visitor = crowd.browser(rng)
        steps = guide.abandon(book.basket()) if rng.random() < CART_SHARE else guide.look()
        yield visitor, f"{day:%y%m%d}-v{index:05d}", rng.random(), steps


def _aftermaths(shop: Shop, day: date, seed: int) -> Iterator[Order]:
    """Orders of the days before whose refund or credit falls on ``day``."""
    for days in range(1, LONGEST_RETURN + 1):
        for order in orders_of(shop, day - timedelta(days=days), seed):
            if order.aftermath is not None and order.aftermath.days == days:
                yield order


def _event_id(identity: str, sequence: int) -> str:
    """UUID version 8 from SHA-256."""
    digest = hashlib.sha256(f"{identity}{sequence}".encode()).hexdigest()
    variant = VARIANT[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
