"""Endless live traffic of the simulated shop: many visits interleaved, each event at the present moment."""

from __future__ import annotations

import heapq
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

from uuid_utils import uuid7

from ecommerce.events import Event
from ecommerce.shops import Shop
from ecommerce.simulator.catalogue import catalogue
from ecommerce.simulator.orders import CONVERSION, Order, OrderBook
from ecommerce.simulator.people import Crowd, Visitor
from ecommerce.simulator.visits import CART_SHARE, Guide, Step, aftermath_step, event_of

EVENTS_A_VISIT = 5.5
MOST_VISITS_A_SECOND = 25.0
HASTE = 5
EARLIEST_AFTERMATH_MS, LATEST_AFTERMATH_MS = 20_000, 240_000
SHORTEST_WAIT, LONGEST_DELAY = 0.002, 1.0
"""Live visitors pause a fifth as long as those of a whole day, so first orders come within a minute.
Seconds: pauses below the first are not worth a sleep; a delay over the second is dropped, not caught up."""


class _Walk(NamedTuple):
    """A visit under way: its next step is due at ``due_ms`` of the traffic's own clock."""

    due_ms: int
    number: int
    visitor: Visitor
    session_id: str
    steps: Iterator[Step]
    step: Step


class Traffic:
    """The visits under way. Its own clock sets their order alone, so their number stays bounded at any rate."""

    def __init__(self, shop: Shop, seed: int, rate: float) -> None:
        self._rng = Random(f"{shop.shop_id}|{seed}|live")
        self._run = f"{time.time_ns() // 1_000_000:x}{secrets.token_hex(2)}"
        crowd = Crowd(shop.shop_id, shop.currency, seed, shop.today(), f"{self._run}")
        self._crowd = crowd
        self._guide = Guide(catalogue(shop.shop_id, seed), self._rng)
        self._book = OrderBook(shop, seed, crowd, self._rng)
        self._gap_ms = 1000 / min(rate / EVENTS_A_VISIT, MOST_VISITS_A_SECOND)
        self._walks: list[_Walk] = []
        self._number = 0
        self._orders = 0
        self._next_visit_ms = 0.0

    def step(self) -> tuple[Visitor, str, Step]:
        """The next step of any visitor."""
        while not self._walks or self._next_visit_ms <= self._walks[0].due_ms:
            self._open()
        walk = self._walks[0]
        following = next(walk.steps, None)
        if following is None:
            heapq.heappop(self._walks)
        else:
            heapq.heapreplace(self._walks, walk._replace(due_ms=walk.due_ms + following.wait_ms // HASTE, step=following))
        if walk.step.event_name == "purchase":
            self._schedule_aftermath(walk.due_ms, walk.step.order)
        return walk.visitor, walk.session_id, walk.step

    def _open(self) -> None:
        draw = self._rng.random()
        if draw < CONVERSION:
            self._orders += 1
            order = self._book.order(self._orders, f"L{self._run}-{self._orders}", f"{self._run}-o{self._orders}")
            self._push(self._next_visit_ms, order.visitor, order.session_id, self._guide.buy(order))
        else:
            steps = self._guide.abandon(self._book.basket()) if draw < CONVERSION + CART_SHARE else self._guide.look()
            self._push(self._next_visit_ms, self._crowd.browser(self._rng), f"{self._run}-v{self._number}", steps)
        self._next_visit_ms += self._rng.expovariate(1 / self._gap_ms)

    def _schedule_aftermath(self, now_ms: int, order: Order) -> None:
        if order.aftermath is not None:
            due = now_ms + self._rng.randint(EARLIEST_AFTERMATH_MS, LATEST_AFTERMATH_MS)
            self._push(due, order.visitor, order.session_id, [aftermath_step(order)])

    def _push(self, due_ms: float, visitor: Visitor, session_id: str, steps: list[Step]) -> None:
        self._number += 1
        rest = iter(steps)
        heapq.heappush(self._walks, _Walk(int(due_ms), self._number, visitor, session_id, rest, next(rest)))


def stream(shop: Shop, seed: int, rate: float, wait: Callable[[float], object] = time.sleep) -> Iterator[Event]:
    """Live traffic of ``shop``, about ``rate`` events a second, each with the time at which it is yielded.

    What visitors do follows ``seed``; event, session and transaction ids and the ids of first-time visitors
    are new in every run. A reader that falls behind gets no burst afterwards: the traffic goes on from then.
    ``wait`` sleeps the given seconds; if it returns true the stream ends.

    Raises:
        ValueError: ``rate`` is not above 0.
    """
    if not rate > 0:
        raise ValueError(f"rate {rate} must be above 0 events per second")
    traffic, pause = Traffic(shop, seed, rate), Random(seed)
    due = time.monotonic()
    while True:
        ahead = due - time.monotonic()
        if ahead > SHORTEST_WAIT and wait(ahead):
            return
        if ahead < -LONGEST_DELAY:
            due = time.monotonic()
        due += (0.5 + pause.random()) / rate
        visitor, session_id, step = traffic.step()
        yield event_of(shop, visitor, session_id, step, str(uuid7()), datetime.now(UTC))
