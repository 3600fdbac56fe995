"""Datasets of the Sales page: shop-days, hours, the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from analytics import report
from analytics.datasets.core import Dataset, columns
from analytics.figures import ShopDay
from analytics.ledger import ledger
from analytics.scope import Scope


def _daily(scope: Scope) -> Iterator[tuple[Any, ...]]:
    return (_daily_row(scope.shop.shop_id, one) for one in scope.report.current.shop_days)


def _daily_row(shop_id: str, one: ShopDay) -> tuple[Any, ...]:
    measures = [one.measures.get(name) if one.measures else None for name in report.MEASURES]
    ratios = [_rounded(one.value(name), places) for name, places in RATIOS]
    run = one.state.run.run_id if one.state.run and one.counted_by == "batch" else None
    return (shop_id, one.day, one.state.name, one.counted_by if one.measures else None, *measures, *ratios, run)


RATIOS = (("average_order_value", 4), ("conversion_rate", 6), ("cart_abandonment", 6), ("refund_rate", 6))


def _rounded(quotient: Any, decimals: int) -> Decimal | None:
    return None if quotient is None else quotient.quantize(Decimal(1).scaleb(-decimals))


def _ledger(scope: Scope) -> Iterator[tuple[Any, ...]]:
    lines = ledger(scope.report)
    return ((line.title, line.amount, line.previous) for line in (*lines.lines, *lines.apart))


DATASETS = (
    Dataset(
        "daily_sales",
        "One row a shop-day, ascending; a day without data has its state and empty measures.",
        columns(
            "shop_id date:date state counted orders:integer units:integer customers:integer visitors:integer sessions:integer"
            " sessions_with_cart:integer sessions_with_order:integer gross_revenue:money discounts:money refunds:money adjustments:money"
            " net_revenue:money tax:money shipping:money average_order_value:money conversion_rate:number cart_abandonment:number"
            " refund_rate:number run_id"
        ),
        _daily,
    ),
    Dataset(
        "ledger",
        "One row a line from gross to net revenue, then tax and shipping: the range and the days before.",
        columns("line amount:money previous:money"),
        _ledger,
    ),
)
