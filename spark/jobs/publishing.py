"""Staged rows into the warehouse: each table is checked and takes its days' place as soon as it is there, all in one transaction."""

from __future__ import annotations

from datetime import date
from typing import Any

import checks
import facts
import psycopg
from marts import Check
from psycopg.errors import UniqueViolation
from runlog import Finding

from ecommerce import warehouse
from ecommerce.shops import Shop


class Publishing:
    """What a run's transaction, open on ``connection``, has published so far; the caller commits it, or takes all back.

    ``asked``: the checks; what they find is added to ``findings``. ``row_changes``: what warehouse.replace_days says of each day.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        tables: warehouse.Staging,
        shop: Shop,
        days: list[date],
        asked: list[Check],
        findings: list[Finding],
    ) -> None:
        self._connection, self._tables, self._shop, self._days = connection, tables, shop, days
        self._asked = list(asked)
        self._by_key: list[Check] = []
        self._there: set[str] = set()
        self._findings = findings
        self.row_changes: dict[date, dict[str, Any]] = {}

    def check(self, loaded: dict[str, int]) -> None:
        """Check tables whose rows, as many as ``loaded`` says, are all staged, and what can be checked only with them.

        Raises:
            Blocked: a blocking check does not hold.
        """
        self._there |= loaded.keys()
        now = [check for check in self._asked if check.reads() <= self._there]
        self._asked = [check for check in self._asked if check not in now]
        self._by_key = [check for check in now if check.key_of and self._is_new(check.key_of)]
        now = [check for check in now if check not in self._by_key]
        self._findings += checks.of_the_load(loaded, warehouse.staged_rows(self._connection, self._tables, loaded))
        self._findings += checks.of_tables(self._connection, now, self._tables, loaded)
        if "fct_order" in loaded:
            self._findings += checks.of_other_days(self._connection, self._tables, self._days)
        checks.stop_if_blocked(self._findings)

    def _is_new(self, table: str) -> bool:
        """Whether ``table`` has no row of the run's days: each one that is staged is then inserted, and its primary key looks at it."""
        return not warehouse.days_with_rows(self._connection, self._tables.shop_id, table, self._days)

    def replace(self, loaded: dict[str, int]) -> None:
        """Put checked tables in their days' place, and compute the dimensions that they complete.

        Raises:
            Blocked: a row is there twice.
        """
        try:
            with self._connection.transaction():
                changed = warehouse.replace_days(self._connection, self._tables, self._days, loaded)
        except UniqueViolation:
            self._findings += checks.of_tables(self._connection, self._by_key, self._tables, [])
            checks.stop_if_blocked(self._findings)
            raise
        self._findings += [Finding(check.name, check.severity, True) for check in self._by_key]
        self._by_key = []
        for day, changes in changed.items():
            self.row_changes.setdefault(day, {}).update(changes)
        if loaded.keys() & set(facts.TABLES) and self._there >= set(facts.TABLES):
            warehouse.refresh_visits(self._connection, self._tables, self._shop, self._days)
        if "mart_daily_product" in loaded:
            warehouse.refresh_products(self._connection, self._tables, self._shop)

    def both(self, loaded: dict[str, int]) -> None:
        """:meth:`check`, then :meth:`replace`."""
        self.check(loaded)
        self.replace(loaded)
