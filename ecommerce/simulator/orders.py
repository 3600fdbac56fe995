"""The orders of a day, drawn before its visits from a random stream of their own.

So the orders of earlier days are known again in milliseconds, and a refund names a real one exactly.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from random import Random
from typing import NamedTuple

from ecommerce.events import Item
from ecommerce.shops import Shop
from ecommerce.simulator.catalogue import Product, catalogue
from ecommerce.simulator.people import Crowd, Visitor
from ecommerce.simulator.rhythm import sessions_of

CONVERSION = 0.0275
LONGEST_RETURN = 14
REFUND_SHARE, GOODWILL_SHARE = 0.07, 0.01
TAX_PERCENT = 19
SHIPPING, FREE_SHIPPING_FROM = 495, 5_000
GOODWILL = 500
COUPONS = (("", 0, 0.80), ("WELCOME10", 10, 0.90), ("NEWS15", 15, 0.97), ("SAVE20", 20, 1.0))
"""Each coupon: its code, percent off each unit, and up to which draw it is given."""
LINES = (1, 1, 1, 1, 1, 2, 2, 2, 3, 4)
QUANTITIES = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)


class Line(NamedTuple):
    """One product of an order; ``unit_discount`` is in cents."""

    product: Product
    quantity: int
    unit_discount: int

    @property
    def gross(self) -> int:
        """Price × quantity, cents."""
        return self.product.price * self.quantity

    @property
    def discount(self) -> int:
        """The whole line's discount, cents."""
        return self.unit_discount * self.quantity

    def item(self) -> Item:
        return self.product.item(self.quantity, self.discount)


class Aftermath(NamedTuple):
    """What follows an order ``days`` later: a refund of ``lines``, or a goodwill credit where there are none."""

    days: int
    office_fraction: float
    lines: tuple[Line, ...]


class Order(NamedTuple):
    """One order; money is in cents. ``fraction`` (0 to 1) says by which share of the day's visits it began."""

    transaction_id: str
    session_id: str
    visitor: Visitor
    fraction: float
    lines: tuple[Line, ...]
    coupon: str | None
    tax: int
    shipping: int
    aftermath: Aftermath | None


def tax_of(lines: tuple[Line, ...]) -> int:
    """Tax on ``lines`` after discounts, cents, half a cent up."""
    return ((sum(line.gross - line.discount for line in lines)) * TAX_PERCENT + 50) // 100


class OrderBook:
    """Makes orders from one random stream."""

    def __init__(self, shop: Shop, seed: int, crowd: Crowd, rng: Random) -> None:
        self._catalogue = catalogue(shop.shop_id, seed)
        self._crowd = crowd
        self._rng = rng

    def basket(self, percent: int = 0) -> tuple[Line, ...]:
        """One to four different products, each unit ``percent`` off."""
        rng, goods = self._rng, self._catalogue
        places = [goods.pick(rng)]
        for _ in range(LINES[int(rng.random() * len(LINES))] - 1):
            place = goods.companion(rng, places[0])
            if place not in places:
                places.append(place)
        products = [goods.products[place] for place in places]
        return tuple(
            Line(product, QUANTITIES[int(rng.random() * len(QUANTITIES))], (product.price * percent + 50) // 100)
            for product in products
        )  # fmt: skip

    def order(self, index: int, transaction_id: str, session_id: str) -> Order:
        """The next order of the stream, the ``index``-th of its day or run."""
        rng = self._rng
        visitor = self._crowd.buyer(rng, index)
        draw = rng.random()
        coupon, percent = next((code, percent) for code, percent, limit in COUPONS if draw < limit)
        lines = self.basket(percent)
        paid = sum(line.gross - line.discount for line in lines)
        shipping = 0 if paid >= FREE_SHIPPING_FROM else SHIPPING
        fraction, aftermath = rng.random(), self._aftermath(lines)
        return Order(transaction_id, session_id, visitor, fraction, lines, coupon or None, tax_of(lines), shipping, aftermath)

    def _aftermath(self, lines: tuple[Line, ...]) -> Aftermath | None:
        rng = self._rng
        draw, days, fraction, whole = rng.random(), 1 + int(rng.random() ** 1.5 * LONGEST_RETURN), rng.random(), rng.random() < 0.6
        if draw < REFUND_SHARE:
            return Aftermath(days, fraction, lines if whole else self._part(lines))
        return Aftermath(days, fraction, ()) if draw < REFUND_SHARE + GOODWILL_SHARE else None

    def _part(self, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        line = lines[int(self._rng.random() * len(lines))]
        return (line._replace(quantity=1 + int(self._rng.random() * line.quantity)),)


@lru_cache(maxsize=64)
def orders_of(shop: Shop, day: date, seed: int) -> tuple[Order, ...]:
    """All orders of the shop-day, by the time their visit begins; about 80, in about a millisecond each ten."""
    rng = Random(f"{shop.shop_id}|{seed}|{day}|orders")
    crowd = Crowd(shop.shop_id, shop.currency, seed, day, f"{day:%y%m%d}")
    book = OrderBook(shop, seed, crowd, rng)
    number = round(sessions_of(shop.shop_id, day, seed) * CONVERSION * min(max(rng.gauss(1, 0.08), 0.75), 1.25))
    return tuple(book.order(index, f"D{day:%y%m%d}-{index:05d}", f"{day:%y%m%d}-o{index:05d}") for index in range(number))
