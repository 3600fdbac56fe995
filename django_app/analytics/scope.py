"""What a page, a download or a call of the API is about: a shop and a selection of its days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db import connection

from analytics import report
from analytics.ranges import Days, Selection
from ecommerce.shops import Shop


@dataclass(frozen=True)
class Scope:
    """A shop and the days asked for; ``report`` is read once, when first needed."""

    shop: Shop
    selection: Selection

    @cached_property
    def report(self) -> report.Report:
        return report.report(self.shop, self.selection)

    @property
    def days(self) -> Days:
        return self.selection.days

    @property
    def today(self) -> date:
        return self.report.today

    @cached_property
    def comparable(self) -> Days | None:
        """The previous days where a change against them is shown at all."""
        return self.selection.previous if self.report.comparable else None

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of a query: shop, first, last, was_first, was_last (none where nothing is compared), and the days that marts lack."""
        was = self.selection.previous
        return {
            "shop": self.shop.shop_id,
            "first": self.days.first,
            "last": self.days.last,
            "was_first": was.first if was else None,
            "was_last": was.last if was else None,
            "live": self.report.live_days,
            "was_live": self.report.live_days_before,
        }


NOW = "date BETWEEN %(first)s AND %(last)s AND date <> ALL(%(live)s::date[])"
BEFORE = "date BETWEEN %(was_first)s AND %(was_last)s AND date <> ALL(%(was_live)s::date[])"
"""Conditions on ``date``: the days asked for, and those before, as far as marts split them."""


def fetch(sql: str, parameters: Mapping[str, Any] | Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def stream(sql: str, parameters: Mapping[str, Any] | Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, read in pieces."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        yield from cursor
