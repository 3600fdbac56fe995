"""The table of the best products: bars on one scale, and a sum that leads to net revenue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from analytics import formats
from analytics.sales import Product, Products, Report


@dataclass(frozen=True)
class Row:
    """A product with its bar's length and its previous mark, per cent of the longest."""

    product: Product
    share: Decimal | None
    bar: str
    was: str


@dataclass(frozen=True)
class ProductTable:
    """The best products, the sums over all, and the sentence that adds them up to the range's net revenue."""

    rows: tuple[Row, ...]
    products: Products
    sentence: str


def product_table(report: Report, found: Products) -> ProductTable:
    """``found`` as a table of ``report``'s range."""
    longest = max((max(one.net_revenue, one.previous_net_revenue) for one in found.best), default=Decimal(0))
    rows = tuple(
        Row(
            one,
            one.net_revenue / found.net_revenue if found.net_revenue > 0 else None,
            _length(one.net_revenue, longest),
            _length(one.previous_net_revenue, longest) if report.comparable and one.previous_net_revenue > 0 else "",
        )
        for one in found.best
    )
    return ProductTable(rows, found, _sentence(report, found))


def _length(amount: Decimal, longest: Decimal) -> str:
    return f"{100 * amount / longest:.1f}%" if longest > 0 and amount > 0 else "0%"


def _sentence(report: Report, found: Products) -> str:
    """What belongs to no product, by name: "Products €391,303.28 − adjustments €209.20 = net revenue €391,094.08."."""
    net = Decimal(report.current.total("net_revenue") or 0)
    adjustments = report.batch_adjustments
    rest = net - found.net_revenue - adjustments - report.live_net_revenue
    parts = [("adjustments", adjustments), ("days counted live", report.live_net_revenue), ("lines without a product", rest)]
    shown = [(name, amount) for name, amount in parts if amount]
    decimals = formats.places([net, found.net_revenue, *(amount for _, amount in shown)], report.shop.currency)
    if not shown:
        return f"Products add up to net revenue: {formats.money(net, report.shop.currency, decimals)}."
    text = f"Products {formats.money(found.net_revenue, report.shop.currency, decimals)}"
    for name, amount in shown:
        text += f" {'+' if amount > 0 else '−'} {name} {formats.money(abs(amount), report.shop.currency, decimals)}"
    named = " and ".join([name for name, _ in shown[:2]]) if len(shown) < 3 else ", ".join(name for name, _ in shown)
    return f"{named.capitalize()} belong to no product: {text} = net revenue {formats.money(net, report.shop.currency, decimals)}."
