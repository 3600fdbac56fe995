"""A person leaves the platform: lake, warehouse, quarantine, seen ids, live lists; sums stay, and the proof is printed.

What is shared with others (sums, HyperLogLogs) holds no identity and is not touched; the person's rows stay as nobody's,
so that every aggregate, run again from them, is the same but for the number of known customers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from ecommerce import erasure_lake, erasure_leftovers, erasure_stores, log_retention, warehouse
from ecommerce.config import Settings
from ecommerce.erasure_terms import Person
from ecommerce.errors import PlatformError
from ecommerce.shops import shop as find_shop
from ecommerce.shops import shops
from ecommerce.suppression import CLIENT, CUSTOMER, Suppression

STEPS = (*erasure_leftovers.STEPS, *erasure_lake.STEPS, *erasure_stores.STEPS, erasure_lake.EVENTS)
"""What ``find`` reads comes last, the lake's events after the warehouse's facts: an erasure that failed finds every id again."""


class ErasureError(PlatformError):
    """The person could not be erased everywhere; the message says from where not, and the remedy."""


@dataclass(frozen=True)
class Place:
    """One place of the proof: what was looked through, what was found and taken out, what a second look found."""

    name: str
    looked: int
    unit: str
    removed: int
    left: int


@dataclass(frozen=True)
class Proof:
    """Of one shop. ``events_until``, ``letters_until``: when Kafka's log of events and its dead letters have dropped the last record;
    ``not_searched``: what could not be."""

    shop_id: str
    places: list[Place]
    events_until: datetime
    letters_until: datetime
    not_searched: list[str]

    @property
    def complete(self) -> bool:
        return not self.not_searched and not any(place.left for place in self.places)


def erase(settings: Settings, customer: str, shop_id: str | None, say: Callable[[str], None]) -> list[Proof]:
    """Erase ``customer`` (the id that the shop gives, ``user_id`` of its events) from one shop, or from all.

    Safe to repeat, after a step that failed, too: what is erased already is found no more.

    Raises:
        ErasureError: the id is empty.
        psycopg.Error, redis.RedisError, OSError, lake.LakeError: a store does not let it; call again.
    """
    if not customer.strip():
        raise ErasureError("--customer is empty: give the id that the shop gave the customer")
    chosen = [find_shop(shop_id).shop_id] if shop_id else list(shops())
    suppression = Suppression(settings)
    return [_of_shop(settings, suppression, Person(one, customer), say) for one in chosen]


def _of_shop(settings: Settings, suppression: Suppression, person: Person, say: Callable[[str], None]) -> Proof:
    with _shop_alone(person.shop_id, say):
        say(f"{person.shop_id}: looking for the customer's devices, orders and events")
        erasure_lake.find(settings, suppression, person)
        erasure_stores.find(settings, person)
        ids = [(person.shop_id, CUSTOMER, person.customer), *((person.shop_id, CLIENT, client) for client in sorted(person.clients))]
        suppression.add(ids)
        removed = {}
        for step in STEPS:
            say(f"{person.shop_id}: {step.name}")
            removed[step.name] = step.erase(settings, suppression, person)
        places = []
        for step in STEPS:
            looked, left = step.look(settings, person)
            places.append(Place(step.name, looked, step.unit, removed[step.name], left))
        say(f"{person.shop_id}: the append-only file of Redis is rewritten")
        erasure_stores.rewrite_append_only_file(settings)
    events, letters = log_retention.dropped_by(settings, datetime.now(UTC))
    return Proof(person.shop_id, places, events, letters, erasure_lake.not_searchable(settings, person))


@contextmanager
def _shop_alone(shop_id: str, say: Callable[[str], None]) -> Iterator[None]:
    """No batch run of the shop is going on meanwhile."""
    with ExitStack() as stack:
        connection = stack.enter_context(warehouse.connect(name="an erasure"))
        if not warehouse.lock_shop(connection, shop_id, wait=False):
            say(f"{shop_id}: waiting for {warehouse.holder(connection, shop_id)}")
            warehouse.lock_shop(connection, shop_id)
        yield
