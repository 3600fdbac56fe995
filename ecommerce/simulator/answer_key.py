"""The answer key of a simulated day, counted from the plan of its visits while they are made."""

from __future__ import annotations

from datetime import date
from typing import Any

from ecommerce import metrics
from ecommerce.events import money_text
from ecommerce.shops import Shop
from ecommerce.simulator.orders import GOODWILL, Order
from ecommerce.simulator.people import Visitor
from ecommerce.simulator.visits import Step

COUNTED = {"page_view": "page_views", "view_item": "item_views", "add_to_cart": "add_to_carts", "begin_checkout": "checkouts"}
UNITS_A_CENT = 100


class AnswerKey:
    """Counts steps as the generator makes them. Money is kept in cents; it never reads an event back."""

    def __init__(self, shop: Shop, day: date, seed: int) -> None:
        self._head = {"shop_id": shop.shop_id, "date": day.isoformat(), "seed": seed}
        self._measures = dict.fromkeys(metrics.ADDITIVE, 0)
        self._products: dict[str, list[int]] = {}
        self._visitors: set[str] = set()
        self._sessions: set[str] = set()
        self._with_cart: set[str] = set()
        self._with_order: set[str] = set()
        self._customers: set[str] = set()
        self._events = 0

    def add(self, visitor: Visitor, session_id: str, step: Step) -> None:
        """Count one step of ``visitor``."""
        self._events += 1
        self._visitors.add(visitor.client_id)
        self._sessions.add(session_id)
        name = step.event_name
        if name in COUNTED:
            self._measures[COUNTED[name]] += 1
        if name == "add_to_cart":
            self._with_cart.add(session_id)
        elif name == "purchase":
            self._order(step.order)
        elif name == "refund":
            self._measures["refunds"] += sum(line.gross - line.discount for line in step.order.aftermath.lines)
        elif name == "adjustment":
            self._measures["adjustments"] -= GOODWILL

    def _order(self, order: Order) -> None:
        totals = self._measures
        totals["orders"] += 1
        totals["tax"] += order.tax
        totals["shipping"] += order.shipping
        self._with_order.add(order.session_id)
        if order.visitor.user_id is not None:
            self._customers.add(order.visitor.user_id)
        for line in order.lines:
            totals["units"] += line.quantity
            totals["gross_revenue"] += line.gross
            totals["discounts"] += line.discount
            product = self._products.setdefault(line.product.item_id, [0, 0])
            product[0] += line.quantity
            product[1] += line.gross

    def result(self) -> dict[str, Any]:
        """The key as it stands in expected.json: counts as integers, money as decimal strings of four places."""
        totals = dict(self._measures)
        totals["net_revenue"] = totals["gross_revenue"] - totals["discounts"] - totals["refunds"] + totals["adjustments"]
        measures = {name: money_text(n * UNITS_A_CENT) if name in metrics.MONEY else n for name, n in totals.items()}
        sets = {
            "visitors": self._visitors,
            "sessions": self._sessions,
            "sessions_with_cart": self._with_cart,
            "sessions_with_order": self._with_order,
            "customers": self._customers,
        }
        products = {
            item_id: {"units": units, "gross_revenue": money_text(gross * UNITS_A_CENT)}
            for item_id, (units, gross) in sorted(self._products.items())
        }
        distinct = {name: len(members) for name, members in sets.items()}
        return {
            **self._head,
            "measures": measures,
            "distinct": distinct,
            "events": self._events,
            "lines": self._events,
            "products": products,
        }
