"""Each metric once: its name, unit, definition and formula. Live, batch, pages and docs read it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Unit = Literal["money", "count", "ratio"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Additive metrics are summed over any set of shop-days. Distinct ones are not: live they are
    HyperLogLog estimates, in the batch exact for each shop-day. A ratio is computed from measures
    when it is read: ``numerator`` over ``denominator``, each a sum of signed measure names.
    """

    name: str
    title: str
    unit: Unit
    kind: Literal["additive", "distinct", "ratio"]
    definition: str
    numerator: tuple[str, ...] = ()
    denominator: tuple[str, ...] = ()
    better: Literal["up", "down", ""] = "up"


METRICS: tuple[Metric, ...] = (
    Metric("page_views", "Page views", "count", "additive", "Accepted page_view events."),
    Metric("item_views", "Item views", "count", "additive", "Accepted view_item events."),
    Metric("add_to_carts", "Add-to-carts", "count", "additive", "Accepted add_to_cart events."),
    Metric("checkouts", "Checkouts", "count", "additive", "Accepted begin_checkout events."),
    Metric(
        "orders", "Orders", "count", "additive", "Distinct transactions of the shop; the first accepted purchase of a transaction counts."
    ),
    Metric("units", "Units", "count", "additive", "Quantity over all lines of counted orders."),
    Metric(
        "gross_revenue",
        "Gross revenue",
        "money",
        "additive",
        "Price × quantity over all lines of counted orders, before discounts, tax and shipping.",
    ),
    Metric("discounts", "Discounts", "money", "additive", "Discounts over all lines of counted orders.", better=""),
    Metric(
        "refunds",
        "Refunds",
        "money",
        "additive",
        "Price × quantity − discount over all lines of accepted refunds, on the day the refund happens; a positive amount.",
        better="down",
    ),
    Metric(
        "adjustments", "Adjustments", "money", "additive", "Corrections that belong to no order line, such as bad debt; signed.", better=""
    ),
    Metric(
        "net_revenue", "Net revenue", "money", "additive", "Gross revenue − discounts − refunds + adjustments. Tax and shipping are apart."
    ),
    Metric("tax", "Tax", "money", "additive", "Tax of counted orders; not part of revenue.", better=""),
    Metric("shipping", "Shipping", "money", "additive", "Shipping charged on counted orders; not part of revenue.", better=""),
    Metric("visitors", "Visitors", "count", "distinct", "Distinct client_id with an accepted event on the shop-day."),
    Metric("sessions", "Sessions", "count", "distinct", "Distinct session_id with an accepted event on the shop-day."),
    Metric("sessions_with_cart", "Sessions with a cart", "count", "distinct", "Sessions with an accepted add_to_cart on the shop-day."),
    Metric("sessions_with_order", "Sessions with an order", "count", "distinct", "Sessions with a counted order on the shop-day."),
    Metric(
        "average_order_value",
        "Average order value",
        "money",
        "ratio",
        "(Gross revenue − discounts) ÷ orders.",
        ("gross_revenue", "-discounts"),
        ("orders",),
    ),
    Metric(
        "conversion_rate",
        "Conversion rate",
        "ratio",
        "ratio",
        "Sessions with an order ÷ sessions.",
        ("sessions_with_order",),
        ("sessions",),
    ),
    Metric(
        "cart_abandonment",
        "Cart abandonment",
        "ratio",
        "ratio",
        "1 − sessions with an order ÷ sessions with an add-to-cart, of the latter.",
        ("sessions_with_cart", "-sessions_with_order"),
        ("sessions_with_cart",),
        "down",
    ),
    Metric(
        "refund_rate",
        "Refund rate",
        "ratio",
        "ratio",
        "Refunds ÷ (gross revenue − discounts).",
        ("refunds",),
        ("gross_revenue", "-discounts"),
        "down",
    ),
)

OF_A_RANGE: tuple[Metric, ...] = (
    Metric("products_sold", "Products sold", "count", "distinct", "Products with at least one unit sold in the range."),
    Metric(
        "top_fifth_share",
        "Top 20% share",
        "ratio",
        "ratio",
        "Net revenue of the best fifth of the products sold ÷ net revenue of all products.",
        better="",
    ),
    Metric("customers", "Customers", "count", "distinct", "Known customers with an order in the range, each counted once."),
    Metric("new_customers", "New customers", "count", "distinct", "Customers whose first order lies in the range."),
    Metric(
        "repeat_rate",
        "Repeat rate",
        "ratio",
        "ratio",
        "Customers with a second order ÷ customers. Over all who had ordered by the range’s last day.",
    ),
    Metric(
        "revenue_per_customer",
        "Revenue per customer",
        "money",
        "ratio",
        "(Gross revenue − discounts) of orders by known customers ÷ customers.",
    ),
    Metric("carts", "Carts", "count", "additive", "Visits with an add-to-cart, by the day of the first one."),
    Metric(
        "abandoned_carts",
        "Abandoned carts",
        "count",
        "additive",
        "Carts without an order by the same visitor, in the visit or a later one.",
        better="down",
    ),
    Metric(
        "abandoned_value",
        "Abandoned value",
        "money",
        "additive",
        "Price × quantity of what was left in abandoned carts.",
        better="down",
    ),
)
"""Figures that pages show of a range of days, from marts of their own; a shop-day's measures do not hold them."""

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
_KNOWN = BY_NAME | {metric.name: metric for metric in OF_A_RANGE}
ADDITIVE: tuple[str, ...] = tuple(metric.name for metric in METRICS if metric.kind == "additive")
DISTINCT: tuple[str, ...] = tuple(metric.name for metric in METRICS if metric.kind == "distinct")
MONEY: tuple[str, ...] = tuple(metric.name for metric in METRICS if metric.unit == "money" and metric.kind == "additive")

HLL_STANDARD_ERROR = 0.0081
"""Standard error of a Redis HyperLogLog (2^14 registers): 1.04 / sqrt(16384)."""


def _signed_sum(terms: tuple[str, ...], measures: Mapping[str, Decimal | int | None]) -> Decimal | None:
    total = Decimal(0)
    for term in terms:
        value = measures.get(term.lstrip("-"))
        if value is None:
            return None
        total += -Decimal(value) if term.startswith("-") else Decimal(value)
    return total


def ratio(name: str, measures: Mapping[str, Decimal | int | None]) -> Decimal | None:
    """The ratio metric ``name`` of ``measures`` (money in units of currency, counts as integers).

    Returns:
        The unrounded quotient; None where a measure is absent or the denominator is zero.

    Raises:
        KeyError: ``name`` is not a ratio metric.
    """
    metric = BY_NAME[name]
    if metric.kind != "ratio":
        raise KeyError(f"{name} is not a ratio")
    top, bottom = _signed_sum(metric.numerator, measures), _signed_sum(metric.denominator, measures)
    return None if top is None or not bottom else top / bottom


def metric(name: str) -> Metric:
    """The metric called ``name``, of a shop-day or of a range. Raises KeyError where there is none."""
    return _KNOWN[name]
