"""Who visits the simulated shop: customers with an account, returning visitors without one, and new faces."""

from __future__ import annotations

from bisect import bisect
from datetime import date
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import NamedTuple

from faker import Faker

LOCALES = {
    "Germany": "de_DE", "Austria": "de_AT", "Switzerland": "de_CH", "France": "fr_FR", "Netherlands": "nl_NL",
    "Italy": "it_IT", "Spain": "es_ES", "Poland": "pl_PL", "United Kingdom": "en_GB", "United States": "en_US",
}  # fmt: skip
HOME = {"EUR": "Germany", "GBP": "United Kingdom", "USD": "United States", "CHF": "Switzerland", "PLN": "Poland"}
HOME_WEIGHT, ABROAD_WEIGHTS = 36, (5, 4, 2, 4, 3, 2, 2, 2, 2, 1)

FIRST_CUSTOMERS, CUSTOMERS_A_DAY, FOUNDED = 3_000, 16, date(2010, 1, 1)
MEAN_CUSTOMER_AGE = 900
KNOWN_VISITORS = 12_000


class Choice:
    """One of several values by weight."""

    def __init__(self, weights: dict[str, float]) -> None:
        self._values = list(weights)
        self._cumulative = list(accumulate(weights.values()))

    def __call__(self, rng: Random) -> str:
        return self._values[bisect(self._cumulative, rng.random() * self._cumulative[-1])]


DEVICES = Choice({"mobile": 56, "desktop": 36, "tablet": 8})
BUYER_DEVICES = Choice({"mobile": 40, "desktop": 52, "tablet": 8})
CHANNELS = Choice({"Organic search": 36, "Direct": 21, "Paid search": 18, "Social": 13, "Email": 7, "Referral": 5})
BUYER_CHANNELS = Choice({"Organic search": 31, "Direct": 27, "Paid search": 18, "Social": 5, "Email": 15, "Referral": 4})


class Customer(NamedTuple):
    """A person with an account. Name and city stay in the shop: no event carries them."""

    user_id: str
    client_id: str
    name: str
    city: str
    country: str


class Visitor(NamedTuple):
    """Who makes one visit and how; ``user_id`` is None for someone without an account."""

    client_id: str
    user_id: str | None
    country: str
    device: str
    channel: str


@lru_cache(maxsize=8)
def countries(currency: str) -> Choice:
    """Where visitors of a shop with ``currency`` come from: mostly from home."""
    weights = dict(zip(LOCALES, ABROAD_WEIGHTS, strict=True))
    weights[HOME.get(currency, "Germany")] = HOME_WEIGHT
    return Choice(weights)


@lru_cache(maxsize=len(LOCALES))
def _faker(country: str) -> Faker:
    return Faker(LOCALES[country])


@lru_cache(maxsize=50_000)
def customer(shop_id: str, currency: str, seed: int, number: int) -> Customer:
    """The customer who opened the shop's account ``number``: the same in every process."""
    identity = f"{shop_id}|{seed}|customer|{number}"
    rng = Random(identity)
    country = countries(currency)(rng)
    fake = _faker(country)
    fake.seed_instance(identity)
    return Customer(f"c{number:06d}", f"{rng.getrandbits(64):016x}", fake.name(), fake.city(), country)


@lru_cache(maxsize=4)
def known_countries(shop_id: str, currency: str, seed: int) -> list[str]:
    """Countries of the visitors who come back without an account."""
    rng, draw = Random(f"{shop_id}|{seed}|known"), countries(currency)
    return [draw(rng) for _ in range(KNOWN_VISITORS)]


def accounts(day: date) -> int:
    """How many accounts the shop has at the beginning of ``day``."""
    return FIRST_CUSTOMERS + CUSTOMERS_A_DAY * max(0, (day - FOUNDED).days)


def returning(rng: Random, known: int) -> int:
    """Number of one of ``known`` accounts, young ones more often."""
    return max(0, known - 1 - int(rng.expovariate(1 / MEAN_CUSTOMER_AGE)))


class Crowd:
    """Draws the visitors of one day, or of one run of live traffic, from the given random stream.

    ``fresh`` begins the client ids of first-time visitors, so it must be new to each day or run.
    """

    def __init__(self, shop_id: str, currency: str, seed: int, day: date, fresh: str) -> None:
        self._shop = (shop_id, currency, seed)
        self._known = accounts(day)
        self._fresh = fresh
        self._new = 0
        self._countries = countries(currency)

    def browser(self, rng: Random) -> Visitor:
        """Someone who may only look."""
        draw = rng.random()
        if draw < 0.18:
            person = customer(*self._shop, returning(rng, self._known))
            return Visitor(person.client_id, person.user_id, person.country, DEVICES(rng), CHANNELS(rng))
        if draw < 0.75:
            return Visitor(self._stranger(), None, self._countries(rng), DEVICES(rng), CHANNELS(rng))
        number = int(rng.random() ** 2 * KNOWN_VISITORS)
        return Visitor(f"v{number:06d}", None, known_countries(*self._shop)[number], DEVICES(rng), CHANNELS(rng))

    def buyer(self, rng: Random, index: int) -> Visitor:
        """The visitor of the day's order ``index``: a guest, a new customer or a returning one."""
        draw = rng.random()
        if draw < 0.28:
            return Visitor(f"{self._fresh}g{index:05d}", None, self._countries(rng), BUYER_DEVICES(rng), BUYER_CHANNELS(rng))
        number = self._known + index % CUSTOMERS_A_DAY if draw < 0.46 else returning(rng, self._known)
        person = customer(*self._shop, number)
        return Visitor(person.client_id, person.user_id, person.country, BUYER_DEVICES(rng), BUYER_CHANNELS(rng))

    def _stranger(self) -> str:
        self._new += 1
        return f"{self._fresh}n{self._new:06d}"
