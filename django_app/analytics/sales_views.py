"""The Sales page and its downloads."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from analytics import csv_stream, ranges, sales
from analytics.context import chosen_shop
from analytics.figures import ShopDay, settled_sentence
from analytics.ledger import ledger
from analytics.product_table import product_table
from analytics.ranges import Days, RangeError, Selection
from analytics.revisions import difference, revisions
from analytics.sales import Report
from analytics.states import FINAL, PROVISIONAL, REVISED
from ecommerce.shops import Shop

BEST_PRODUCTS = 8
DAYS_A_PAGE = 14
TILES = ("net_revenue", "orders", "average_order_value", "units", "conversion_rate", "refund_rate")
NOT_LOADED = "The warehouse did not answer within 5 s. Other cards are not affected."


@require_safe
@gzip_page
def page(request: HttpRequest) -> HttpResponse:
    """The page; status 400, with the pickers and the reason, where the address names no usable range."""
    shop = chosen_shop(request)
    try:
        selection = ranges.read(request.GET, shop.today())
    except RangeError as error:
        default = ranges.read({}, shop.today())
        return render(request, "sales/sales.html", _controls(shop, default, sales.coverage(shop)) | {"problem": str(error)}, status=400)
    found = sales.report(shop, selection)
    context = _controls(shop, selection, found.coverage) | {"report": found}
    return render(request, "sales/sales.html", context | (_content(request, found) if found.current.known else {}))


def _address(shop: Shop, selection: Selection) -> str:
    return urlencode({"shop": shop.shop_id} | selection.query)


def _controls(shop: Shop, selection: Selection, known: Days | None) -> dict[str, Any]:
    """What the pickers show: ranges with their days and addresses, the comparison's switch, this selection's address."""
    today = shop.today()
    named = [(name, title, of(today)) for name, (title, of) in ranges.NAMED.items()]
    return {
        "today": today,
        "selection": selection,
        "ranges": [(name, title, days, _address(shop, Selection(name, days, selection.compared))) for name, title, days in named],
        "last_known": _last_known(shop, selection, known),
        "address": _address(shop, selection),
        "switched_address": _address(shop, Selection(selection.name, selection.days, not selection.compared)),
    }


def _last_known(shop: Shop, selection: Selection, known: Days | None) -> dict[str, Any] | None:
    """The last 28 days that have data, where they lie before the last 28 days of the calendar."""
    month = timedelta(days=28)
    if known is None or known.last >= shop.today() - month:
        return None
    days = Days(max(known.first, known.last - month + timedelta(days=1)), known.last)
    return {"days": days, "address": _address(shop, Selection(ranges.CUSTOM, days, selection.compared))}


def _content(request: HttpRequest, found: Report) -> dict[str, Any]:
    """Context of a range that has data."""
    states = {one.day: one.state.name for one in found.current.known}
    newest_first = [(one, difference(one, found.shop.currency)) for one in reversed(found.current.shop_days)]
    pages = Paginator(newest_first, DAYS_A_PAGE)
    days = pages.get_page(request.GET.get("page"))
    return {
        "tiles": TILES,
        "settled": settled_sentence(found.current),
        "final_up_to": max((day for day, state in states.items() if state in (FINAL, REVISED)), default=None),
        "provisional": [day for day, state in states.items() if state == PROVISIONAL],
        "revisions": revisions(found),
        "ledger": ledger(found),
        "days": days,
        "day_pages": list(pages.get_elided_page_range(days.number, on_each_side=1, on_ends=1)),
        "not_loaded": NOT_LOADED,
        "customers": _or_none(lambda: sales.customers(found.shop, found.batch_days(found.current))),
        "table": _or_none(lambda: product_table(found, sales.products(found, BEST_PRODUCTS))),
    }


def _or_none(query: Any) -> Any:
    """The answer of a card's own query; None where the warehouse is too slow, which the card then says."""
    try:
        return query()
    except OperationalError:
        return None


def _download(request: HttpRequest, what: str, header: tuple[str, ...], rows: Any) -> HttpResponseBase:
    """``rows`` of the asked range as CSV; a plain sentence and status 400 where there is no usable range."""
    shop = chosen_shop(request)
    try:
        selection = ranges.read(request.GET, shop.today())
    except RangeError as error:
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")
    found = sales.report(shop, selection)
    name = f"{shop.shop_id}-{what}-{selection.days.first}-{selection.days.last}"
    return csv_stream.download(name, header, rows(found))


DAILY_HEADER = ("shop_id", "date", "state", "counted", *sales.MEASURES, "average_order_value", "conversion_rate", "refund_rate", "run_id")


@require_safe
def daily_csv(request: HttpRequest) -> HttpResponseBase:
    """One row a shop-day, ascending; a day without data has its state and empty cells."""
    return _download(request, "daily", DAILY_HEADER, lambda found: (_daily_row(found, one) for one in found.current.shop_days))


def _daily_row(found: Report, one: ShopDay) -> tuple[Any, ...]:
    measures = [one.measures.get(name) if one.measures else None for name in sales.MEASURES]
    ratios = [
        _rounded(one.value("average_order_value"), 4),
        _rounded(one.value("conversion_rate"), 6),
        _rounded(one.value("refund_rate"), 6),
    ]
    run = one.state.run.run_id if one.state.run and one.counted_by == "batch" else None
    return (found.shop.shop_id, one.day, one.state.name, one.counted_by if one.measures else None, *measures, *ratios, run)


def _rounded(quotient: Any, decimals: int) -> str | None:
    return None if quotient is None else f"{quotient:.{decimals}f}"


@require_safe
def products_csv(request: HttpRequest) -> HttpResponseBase:
    """One row a product that was sold or refunded in the range, best first."""
    return _download(request, "products", sales.PRODUCT_COLUMNS, sales.all_products)


@require_safe
def ledger_csv(request: HttpRequest) -> HttpResponseBase:
    """From gross to net, then tax and shipping: the range and the days before."""
    return _download(request, "ledger", ("line", "amount", "previous"), _ledger_rows)


def _ledger_rows(found: Report) -> Generator[tuple[Any, ...], None, None]:
    lines = ledger(found)
    yield from ((line.title, line.amount, line.previous) for line in (*lines.lines, *lines.apart))


urlpatterns = [
    path("sales", page, name="sales"),
    path("sales/daily.csv", daily_csv, name="sales-daily-csv"),
    path("sales/products.csv", products_csv, name="sales-products-csv"),
    path("sales/ledger.csv", ledger_csv, name="sales-ledger-csv"),
]
