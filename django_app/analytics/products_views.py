"""The Products page and the page of one product."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import ceil
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from analytics import cards, formats
from analytics.analysis import ONLY_BATCH, Page, attempt, page
from analytics.answers import strong
from analytics.cards import Card, Cell, Column, Stack, table
from analytics.datasets import DATASETS
from analytics.figures import Figure, Measures, Period, ShopDay
from analytics.header import address
from analytics.over_time import over_time
from analytics.report import Report
from analytics.sales_cards import adds_up, breakdown, no_products, split_note
from analytics.scope import BEFORE, Scope, fetch

PRODUCTS_A_PAGE = 15
PAIRS = 8
CURVE_POINTS = 100
OF_A_DAY = ("item_views", "add_to_carts", "orders", "units", "gross_revenue", "discounts", "refunds", "net_revenue")
NO_PRICES = "The source gives no prices, so no product can be ranked by revenue."
MEANING = {"A": "make 80% of net revenue", "B": "make the next 15%", "C": "make the last 5%"}

BEFORE_SQL = f"""
    WITH product AS (
        SELECT sum(net_revenue) AS net FROM warehouse.mart_daily_product
        WHERE shop_id = %(shop)s AND {BEFORE} GROUP BY product_id HAVING sum(units) > 0
    ), ranked AS (SELECT net, row_number() OVER (ORDER BY net DESC) AS place, count(*) OVER () AS sold FROM product)
    SELECT count(*), sum(net) FILTER (WHERE place <= ceil(sold * 0.2)) / nullif(sum(net), 0) FROM ranked"""


@page("Products")
def products(scope: Scope, request: HttpRequest) -> Page:
    """What sells, how much of it makes most of the revenue, and what is bought together."""
    everything = DATASETS["products"].records(scope)
    return Page(
        figures=_figures(scope, everything),
        answer=_answer(scope, everything),
        lines=[
            [
                attempt(Card("ranking", "Products", span="w8"), lambda _: _ranking(scope, request, everything)),
                Stack("w4", (_curve(scope, everything), _classes(scope, everything))),
            ],
            [
                attempt(Card("pairs", "Bought together", span="w6"), lambda _: _pairs(scope, "w6")),
                attempt(Card("by-category", "Categories", span="w6"), lambda _: breakdown(scope, "category", "Categories", "w6")),
            ],
        ],
    )


def _name(one: dict[str, Any]) -> str:
    return formats.inert(one["product_name"] or one["product_id"])


def _net(found: list[dict[str, Any]]) -> Decimal | None:
    return cards.total(one["net_revenue"] for one in found)


def _figures(scope: Scope, found: list[dict[str, Any]]) -> list[Figure]:
    report = scope.report
    sold = sorted((one["net_revenue"] or Decimal(0) for one in found if one["units"] > 0), reverse=True)
    share = cards.part_of(sum(sold[: ceil(len(sold) * 0.2)], Decimal(0)), sum(sold))
    ((was_sold, was_share),) = fetch(BEFORE_SQL, scope.parameters) if report.comparable else ((None, None),)

    def figure(name: str, value: Any, previous: Any) -> Figure:
        if report.only_live:
            return Figure(name, None, None, report.currency, "", ONLY_BATCH)
        return Figure(name, value, previous, report.currency, report.split_state, report.not_compared, report.previous is not None)

    counted = [figure("products_sold", len(sold), was_sold), figure("top_fifth_share", share, was_share)]
    return [*counted, report.figure("units"), report.figure("refund_rate")]


def _answer(scope: Scope, found: list[dict[str, Any]]) -> SafeString:
    if not found:
        return format_html("{}", no_products(scope.report))
    if _net(found) is None:
        return format_html("{} sold; their source gives no prices.", strong(f"{formats.count(len(found))} products"))
    best = sum(1 for one in found if one["class"] == "A")
    text = format_html("{} make 80% of net revenue.", strong(f"{formats.count(best)} of {formats.count(len(found))} products"))
    if not scope.report.comparable:
        return text
    priced = [one for one in found if one["net_revenue"] is not None]
    moved = sorted(priced, key=lambda one: one["net_revenue"] - one["previous_net_revenue"])
    for one, verb in ((moved[-1], "gained"), (moved[0], "lost")):
        by = one["net_revenue"] - one["previous_net_revenue"]
        if by and (by > 0) == (verb == "gained"):
            amount = f"{'+' if by > 0 else ''}{formats.money(by, scope.shop.currency)}"
            text += format_html(" {} {} most ({}).", _name(one), verb, strong(amount))
    return text


def _ranking(scope: Scope, request: HttpRequest, everything: list[dict[str, Any]]) -> Card:
    report, currency, dataset = scope.report, scope.shop.currency, DATASETS["products"]
    asked = dataset.asked(request.GET)
    found = dataset.records(scope, **asked) if asked["search"] or asked["sort"] != "net_revenue" else everything
    shown = Paginator(found, PRODUCTS_A_PAGE).get_page(request.GET.get("page"))
    top = cards.longest(one[key] for one in everything[:1] for key in ("net_revenue", "previous_net_revenue"))
    net, link = _net(everything), address(scope.shop, scope.selection)

    def by(title: str, kind: str, sort: str, only: str = "") -> Column:
        query = f"{link}&{urlencode({'sort': sort, 'search': asked['search']})}"
        order = ("ascending" if sort == "name" else "descending") if sort == asked["sort"] else ""
        return Column(title, kind, only, sort=query, sorted=order)

    columns = [
        Column("Rank", "rank", "opt"),
        by("Product", "head", "name"),
        Column("Bar", "bar", "share"),
        by("Net revenue", "num", "net_revenue"),
        Column("Share", "num", "opt"),
        by("Units", "num", "units", "opt"),
        by("Refunded", "num", "refund_rate", "opt"),
        by("Change", "num", "change") if report.comparable else None,
        Column("Class", "tag", "opt"),
    ]

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        was = one["previous_net_revenue"]
        sub = " · ".join(filter(None, [one["category"], one["product_id"] if one["product_name"] else ""]))
        return (
            cards.count(one["rank"]),
            cards.text(_name(one), sub, f"{reverse('product', args=[one['product_id']])}?{link}"),
            cards.bar(one["net_revenue"], top, was if report.comparable else None),
            cards.money(one["net_revenue"], currency, "strong"),
            cards.percent(one["share"]),
            cards.count(one["units"]),
            cards.percent(one["refund_rate"]),
            cards.changed("net_revenue", one["net_revenue"], was, currency),
            Cell(one["class"] or ""),
        )

    was = sum((one["previous_net_revenue"] for one in found), Decimal(0))
    total = (
        Cell(""),
        Cell(f"{formats.count(len(found))} product{'' if len(found) == 1 else 's'}"),
        Cell(""),
        cards.money(_net(found), currency),
        cards.percent(cards.part_of(_net(found), net)),
        cards.count(sum(one["units"] for one in found)),
        Cell(""),
        cards.changed("net_revenue", _net(found), was, currency),
        Cell(""),
    )
    (foot,) = table(columns, [total])["rows"]
    return Card(
        "ranking",
        "Products",
        **table(columns, [line(one) for one in shown]),
        foot=foot,
        span="w8",
        state=report.split_state,
        note=split_note(report),
        foot_note=adds_up(report, net),
        dataset="products",
        options={name: text for name, text in asked.items() if text},
        pager=shown,
        search=asked["search"],
        empty=f"No product matches “{formats.inert(asked['search'])}” in these days." if asked["search"] else no_products(report),
        then=("Show all products", f"?{link}") if asked["search"] else None,
    )


def _curve(scope: Scope, found: list[dict[str, Any]]) -> Card:
    ranked = [one for one in found if one["class"]]
    step = max(1, len(ranked) // CURVE_POINTS)
    points = [one for place, one in enumerate(ranked) if place % step == 0 or place == len(ranked) - 1]

    def line(one: dict[str, Any]) -> cards.Row:
        rank = one["rank"]
        cells = (Cell(f"{formats.count(rank)} product{'' if rank == 1 else 's'}"), cards.percent(one["cumulative_share"]))
        return cards.Row(cells, short=str(rank))

    best, good = (sum(1 for one in ranked if one["class"] in names) for names in ("A", "AB"))
    return Card(
        "concentration",
        "Concentration",
        **table([Column("Best-selling", "head"), Column("Share of net revenue", "num", role="current")], [line(one) for one in points]),
        note="Share of net revenue made by the best N products",
        chart="share",
        unit="percent",
        marks="80:A ends at 80%,95:B ends at 95%",
        top="100",
        sentence=f"{best} of {len(found)} products make 80% of net revenue; {good} make 95%.",
        dataset="products",
        empty=NO_PRICES if found else no_products(scope.report),
    )


def _classes(scope: Scope, found: list[dict[str, Any]]) -> Card:
    net = _net(found)
    columns = [Column("Class", "head"), Column("Products", "num"), Column("Net revenue", "num"), Column("Share", "num")]

    def line(name: str, sub: str, some: list[dict[str, Any]]) -> tuple[Cell, ...]:
        amount = cards.money(_net(some), scope.shop.currency, "strong")
        return (cards.text(name, sub), cards.count(len(some)), amount, cards.percent(cards.part_of(_net(some), net)))

    rows = [line(name, sub, [one for one in found if one["class"] == name]) for name, sub in MEANING.items()]
    (foot,) = table(columns, [line("All", "", found)])["rows"]
    return Card(
        "classes",
        "ABC classes",
        **table(columns, rows if net is not None else []),
        foot=foot,
        state=scope.report.split_state,
        note="The best products up to 80% of net revenue are A, up to 95% B",
        dataset="products",
        empty=NO_PRICES if found else no_products(scope.report),
    )


def _pairs(scope: Scope, span: str) -> Card:
    found = DATASETS["product_pairs"].records(scope)
    columns = [Column("Product", "head"), Column("And"), Column("Orders", "num"), Column("Lift", "num")]
    rows = [
        (
            cards.text(one["name_a"] or one["product_a"]),
            cards.text(one["name_b"] or one["product_b"]),
            cards.count(one["baskets"], "strong"),
            cards.number(one["lift"], 1, "×"),
        )
        for one in found[:PAIRS]
    ]
    return Card(
        "pairs",
        "Bought together",
        **table(columns, rows),
        note="In the same order, over a year; lift: how many times more often than by chance",
        span=span,
        dataset="product_pairs",
        empty="No two products were bought together often enough yet.",
    )


@page("Product")
def product(scope: Scope, request: HttpRequest, product: str) -> Page:
    """One product: its trend, what it is bought with, its names and prices over time, how much comes back."""
    versions = DATASETS["product_history"].records(scope, product=product)
    days = {row["date"]: row for row in DATASETS["product_days"].records(scope, product=product)}
    if not versions and not days:
        raise Http404(f"{scope.shop.name} has no product “{formats.inert(product)}”.")
    now = next((one for one in versions if one["is_current"]), {"product_name": None, "category": None, "brand": None, "price": None})
    report = _own_report(scope.report, days)
    hourless = replace(report, selection=replace(report.selection, asked_grain="day")) if report.selection.grain == "hour" else report
    over = [
        replace(over_time(hourless, name, span), dataset="product_days", options={"product": product})
        for name, span in (("net_revenue", "w8"), ("units", "w6"), ("refund_rate", "w6"))
    ]
    return Page(
        title=formats.inert(now["product_name"] or product),
        crumb=("Products", reverse("products")),
        figures=[report.figure(name) for name in ("net_revenue", "units", "orders", "refund_rate", "item_views")],
        answer=_about(scope, product, now),
        lines=[
            [over[0], attempt(Card("history", "Names and prices", span="w4"), lambda _: _history(scope, product, versions))],
            [over[1], over[2]],
            [attempt(Card("pairs", "Bought together"), lambda _: _partners(scope, product))],
        ],
    )


def _own_report(report: Report, days: dict[Any, dict[str, Any]]) -> Report:
    """``report`` with the product's measures: 0 on a day on which others sold and it did not, unknown where days are not split."""
    apart = {*report.live_days, *report.live_days_before}

    def own(period: Period | None) -> Period | None:
        if period is None:
            return None
        return Period(period.days, tuple(replace(one, measures=measures(one)) for one in period.shop_days))

    def measures(one: ShopDay) -> Measures | None:
        if one.measures is None or one.day in apart:
            return None
        return days.get(one.day) or {name: 0 for name in OF_A_DAY if one.measures.get(name, 0) is not None}

    return replace(report, current=own(report.current), previous=own(report.previous), until=None)


def _about(scope: Scope, product: str, now: dict[str, Any]) -> str:
    known = [formats.inert(part) for part in (now["category"], now["brand"], product) if part]
    if now["price"] is not None:
        known.append(f"now {formats.money(now['price'], scope.shop.currency)}")
    ranked = DATASETS["product_classes"].records(scope, product=product)
    ending = [
        f"Class {one['abc_class']}, number {formats.count(one['rank'])} by net revenue of the year to {formats.short_day(one['as_of_date'], scope.today)}."
        for one in ranked
    ]
    return " ".join([" · ".join(known) + ".", *ending])


def _history(scope: Scope, product: str, versions: list[dict[str, Any]]) -> Card:
    columns = [Column("From", "head"), Column("Name"), Column("Category", only="opt"), Column("Price", "num")]
    rows = [
        (
            Cell(
                formats.short_day(one["valid_from"], scope.today),
                sub="now" if one["is_current"] else f"to {formats.short_day(one['valid_to'], scope.today)}",
            ),
            cards.text(one["product_name"]),
            cards.text(one["category"]),
            cards.money(one["price"], scope.shop.currency, "strong"),
        )
        for one in versions
    ]
    return Card(
        "history", "Names and prices", **table(columns, rows), span="w4", note="Each version, newest first",
        dataset="product_history", options={"product": product}, empty="No version of this product is in the warehouse yet.",
    )  # fmt: skip


def _partners(scope: Scope, product: str) -> Card:
    link = address(scope.shop, scope.selection)

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        first = one["product_a"] == product
        partner, name = (one["product_b"], one["name_b"]) if first else (one["product_a"], one["name_a"])
        return (
            cards.text(name or partner, partner if name else "", f"{reverse('product', args=[partner])}?{link}"),
            cards.count(one["baskets"], "strong"),
            cards.percent(one["confidence_a" if first else "confidence_b"]),
            cards.number(one["lift"], 1, "×"),
        )

    columns = [Column("And", "head"), Column("Orders with both", "num"), Column("Of this product’s orders", "num"), Column("Lift", "num")]
    found = DATASETS["product_pairs"].records(scope, product=product)
    return Card(
        "pairs", "Bought together", **table(columns, [line(one) for one in found[:PAIRS]]),
        note="In the same order, over a year; lift: how many times more often than by chance",
        dataset="product_pairs", options={"product": product}, empty="Nothing was bought together with it often enough yet.",
    )  # fmt: skip


urlpatterns = [path("products", products, name="products"), path("products/<path:product>", product, name="product")]
