"""The words of an erasure: who is erased, one step of it, and how ids are found in text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ecommerce.config import Settings
from ecommerce.suppression import Suppression

ERASED = "[erased]"


@dataclass
class Person:
    """Who is erased in one shop: the customer, the clients that are nobody else's, and every id of their events that was found."""

    shop_id: str
    customer: str
    clients: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    transactions: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Step:
    """``erase`` returns what it took out, ``look`` (looked through, still found)."""

    name: str
    unit: str
    erase: Callable[[Settings, Suppression, Person], int]
    look: Callable[[Settings, Person], tuple[int, int]]


def word(text: str) -> re.Pattern[str]:
    """``text`` where it stands alone, not within a longer id."""
    return re.compile(rf"(?<![\w.-]){re.escape(text)}(?![\w-])")
