"""The steps of one visit: what is looked at, carried, checked out and bought, and how long each step takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import NamedTuple

from ecommerce.events import SCHEMA_VERSION, Event, Item
from ecommerce.shops import Shop
from ecommerce.simulator.catalogue import Catalogue, cents_text
from ecommerce.simulator.orders import GOODWILL, Line, Order, tax_of
from ecommerce.simulator.people import Visitor

CART_SHARE, CHECKOUT_SHARE = 0.047, 0.36
"""Share of visits without an order that fill a cart, and of these the share that begins the checkout."""
MEAN_PAUSE_MS, LONGEST_PAUSE_MS = 24_000, 600_000
GOODWILL_ITEM = Item(
    item_id="GOODWILL", price=f"-{cents_text(GOODWILL)}", quantity=1, item_name="Goodwill credit", item_category="Adjustment"
)


class Step(NamedTuple):
    """One event of a visit before it has a time of day: ``wait_ms`` after the step before it."""

    wait_ms: int
    event_name: str
    page: str | None
    items: list[Item]
    order: Order | None = None
    signed_in: bool = True


class Guide:
    """Leads visitors through the shop, drawing from one random stream."""

    def __init__(self, goods: Catalogue, rng: Random) -> None:
        self._goods = goods
        self._rng = rng

    def look(self) -> list[Step]:
        """A visit that ends without anything in the cart."""
        rng = self._rng
        steps = self._landing()
        while rng.random() < 0.56:
            steps += self._browse()
        return steps

    def abandon(self, lines: tuple[Line, ...]) -> list[Step]:
        """A visit that puts ``lines`` in the cart and orders nothing."""
        steps = self._landing() + self._fill(lines)
        if self._rng.random() < CHECKOUT_SHARE:
            steps += self._checkout(lines)
        elif self._rng.random() < 0.4:
            steps.append(self._step("remove_from_cart", "/cart", [lines[0].item()]))
        return steps

    def buy(self, order: Order) -> list[Step]:
        """The visit that makes ``order``."""
        steps = self._landing()
        while self._rng.random() < 0.45:
            steps += self._browse()
        if self._rng.random() < 0.15:
            steps += self._second_thoughts()
        steps += self._fill(order.lines) + self._checkout(order.lines)
        steps.append(self._step("purchase", "/checkout/done", [line.item() for line in order.lines], order))
        if self._rng.random() < 0.5:
            for place, step in enumerate(steps[:-2]):
                steps[place] = step._replace(signed_in=False)
        return steps

    def _step(self, name: str, page: str, items: list[Item], order: Order | None = None) -> Step:
        wait = min(600 + int(self._rng.expovariate(1 / MEAN_PAUSE_MS)), LONGEST_PAUSE_MS)
        return Step(wait, name, page, items, order)

    def _instantly(self, name: str, page: str, items: list[Item]) -> Step:
        return Step(60 + int(self._rng.random() * 240), name, page, items)

    def _landing(self) -> list[Step]:
        draw = self._rng.random()
        first = Step(0, "page_view", "/", [])
        if draw < 0.45:
            return [first]
        place = self._goods.pick(self._rng)
        if draw < 0.7:
            page = _list_page(self._goods.items[place])
            return [first._replace(page=page), self._instantly("view_item_list", page, self._goods.shelf(self._rng, place))]
        page = _item_page(self._goods.items[place])
        return [first._replace(page=page), self._instantly("view_item", page, [self._goods.items[place]])]

    def _browse(self) -> list[Step]:
        place = self._goods.pick(self._rng)
        item = self._goods.items[place]
        steps: list[Step] = []
        if self._rng.random() < 0.5:
            page, shelf = _list_page(item), self._goods.shelf(self._rng, place)
            steps += [self._step("page_view", page, []), self._instantly("view_item_list", page, shelf)]
            item = shelf[int(self._rng.random() * len(shelf))]
        if self._rng.random() < 0.8:
            steps += self._view(item)
        return steps

    def _view(self, item: Item) -> list[Step]:
        page = _item_page(item)
        return [self._step("page_view", page, []), self._instantly("view_item", page, [item])]

    def _fill(self, lines: tuple[Line, ...]) -> Iterator[Step] | list[Step]:
        steps: list[Step] = []
        for line in lines:
            item = line.product.item(line.quantity)
            steps += self._view(line.product.item())
            steps.append(self._step("add_to_cart", _item_page(item), [item]))
        return steps

    def _second_thoughts(self) -> list[Step]:
        item = self._goods.items[self._goods.pick(self._rng)]
        added = self._step("add_to_cart", _item_page(item), [item])
        return [*self._view(item), added, self._step("remove_from_cart", "/cart", [item])]

    def _checkout(self, lines: tuple[Line, ...]) -> list[Step]:
        items = [line.item() for line in lines]
        return [self._step("page_view", "/checkout", []), self._instantly("begin_checkout", "/checkout", items)]


def aftermath_step(order: Order) -> Step:
    """The refund of ``order``, or its goodwill credit; the order must have an aftermath."""
    lines = order.aftermath.lines
    if not lines:
        return Step(0, "adjustment", None, [GOODWILL_ITEM], order)
    return Step(0, "refund", None, [line.item() for line in lines], order)


def event_of(shop: Shop, visitor: Visitor, session_id: str, step: Step, event_id: str, time: datetime) -> Event:
    """The wire event of ``step``. A refund carries the tax given back, an order its tax, shipping and coupon."""
    event = Event(
        event_id=event_id,
        shop_id=shop.shop_id,
        event_name=step.event_name,
        event_time=time,
        client_id=visitor.client_id,
        session_id=session_id,
        currency=shop.currency,
        schema_version=SCHEMA_VERSION,
        user_id=visitor.user_id if step.signed_in else None,
        country=visitor.country,
        device=visitor.device,
        channel=visitor.channel,
        page=step.page,
        items=step.items,
    )
    if step.order is not None:
        event.transaction_id = step.order.transaction_id
    if step.event_name == "purchase":
        event.tax, event.shipping, event.coupon = cents_text(step.order.tax), cents_text(step.order.shipping), step.order.coupon
    elif step.event_name == "refund":
        event.tax = cents_text(tax_of(step.order.aftermath.lines))
    return event


def _list_page(item: Item) -> str:
    return f"/c/{item.item_category.lower()}"


def _item_page(item: Item) -> str:
    return f"/p/{item.item_id.lower()}"
