"""Cards of the Sales page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.urls import reverse

from analytics import cards, formats
from analytics.cards import Card, Cell, Column, Row, table
from analytics.datasets import DATASETS
from analytics.datasets.split import hours
from analytics.figures import PART_OF_DAY, value_of
from analytics.header import address
from analytics.ledger import ledger
from analytics.over_time import row
from analytics.report import Report
from analytics.revisions import difference
from analytics.scope import Scope

BEST_PRODUCTS = 8
MOST_VALUES = 8
DAYS_A_PAGE = 14
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MEASURES = ("orders", "units", "gross_revenue", "discounts", "refunds", "adjustments", "net_revenue")


def ledger_card(scope: Scope) -> Card:
    """From gross to net: a waterfall beside lines that add up."""
    report, found = scope.report, ledger(scope.report)
    columns = [
        Column("Line", "head"),
        Column("This range", "num", role="current", label="Amount"),
        Column("Of gross", "num", "opt"),
        Column("Previous", "num", "opt") if report.comparable else None,
        Column("Change", "num") if report.comparable else None,
    ]

    def line(one: Any, kind: str) -> Row:
        places, mark = (None, "") if kind == "aside" else (found.decimals, "line" if kind == "net" else "")
        amount = cards.money(one.amount, scope.shop.currency, mark, places)
        previous = cards.money(one.previous, scope.shop.currency, mark, places)
        change = cards.changed(one.name, one.value, one.previous_value, scope.shop.currency, toned=False)
        share = Cell("") if kind == "aside" else cards.percent(one.of_gross)
        return Row((Cell(one.title), amount, share, previous, change), kind=kind, short=one.short)

    kinds = {"net_revenue": "net", "gross_revenue": "gross"}
    rows = [*(line(one, kinds.get(one.name, "")) for one in found.lines), *(line(one, "aside") for one in found.apart)]
    return Card(
        "ledger",
        "Ledger: from gross to net",
        **table(columns, rows),
        note=f"{formats.span(scope.days.first, scope.days.last, report.today)}; every line is the sum of its days",
        foot_note=found.sentence,
        state=report.current.state,
        dataset="ledger",
        chart="waterfall",
        unit=scope.shop.currency,
        sentence=f"Waterfall. {found.sentence}",
        template="ledger",
    )


def breakdown(scope: Scope, dimension: str, title: str, span: str) -> Card:
    """A dimension's values by net revenue, the smallest ones together."""
    report, currency = scope.report, scope.shop.currency
    found = DATASETS["breakdown"].records(scope, dimension=dimension)
    best, rest = found[:MOST_VALUES], found[MOST_VALUES:]
    if rest:
        best.append(
            {"value": f"Other ({len(rest)})"}
            | {key: cards.total(one[key] for one in rest) for key in ("net_revenue", "previous_net_revenue")}
        )
    top = cards.longest(one[key] for one in best for key in ("net_revenue", "previous_net_revenue"))
    net, was = (cards.total(one[key] for one in found) for key in ("net_revenue", "previous_net_revenue"))

    def line(name: str, amount: Decimal | None, before: Decimal | None) -> tuple[Cell, ...]:
        return (
            cards.of_dimension(dimension, name),
            cards.bar(amount, top, before if report.comparable else None),
            cards.money(amount, currency, "strong"),
            cards.percent(cards.part_of(amount, net)),
            cards.changed("net_revenue", amount, before, currency),
        )

    columns = [
        Column(dimension.capitalize(), "head"),
        Column("Bar", "bar"),
        Column("Net revenue", "num"),
        Column("Share", "num", "share"),
        Column("Change", "num") if report.comparable else None,
    ]
    body = table(columns, [line(one["value"], one["net_revenue"], one["previous_net_revenue"]) for one in best])
    (foot,) = table(columns, [(Cell("Total"), Cell(""), *line("", net, was)[2:])])["rows"]
    return Card(
        f"by-{dimension}",
        title,
        **body,
        foot=foot,
        span=span,
        state=report.split_state,
        note=split_note(report),
        dataset="breakdown",
        options={"dimension": dimension},
        empty=f"No day of the range is split by {dimension} yet: the batch run does that once the day is over.",
    )


def split_note(report: Report) -> str:
    """What bars show and what they leave out."""
    parts = [
        "without the days counted live" if report.live_net_revenue else "",
        f"the tick marks {report.before}" if report.comparable else "",
    ]
    return ("By net revenue; " + "; ".join(filter(None, parts))).rstrip("; ")


def best_products(scope: Scope) -> Card:
    """The best products and the sum that leads to net revenue."""
    report, currency = scope.report, scope.shop.currency
    found = DATASETS["products"].records(scope)
    best = found[:BEST_PRODUCTS]
    top = cards.longest(one[key] for one in best for key in ("net_revenue", "previous_net_revenue"))
    net, was = (cards.total(one[key] for one in found) for key in ("net_revenue", "previous_net_revenue"))
    link = address(scope.shop, scope.selection)
    columns = [
        Column("Product", "head"),
        Column("Bar", "bar"),
        Column("Units", "num", "share"),
        Column("Net revenue", "num"),
        Column("Change", "num") if report.comparable else None,
    ]

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        was = one["previous_net_revenue"]
        return (
            cards.text(one["product_name"] or one["product_id"], href=f"{reverse('product', args=[one['product_id']])}?{link}"),
            cards.bar(one["net_revenue"], top, was if report.comparable else None),
            cards.count(one["units"]),
            cards.money(one["net_revenue"], currency, "strong"),
            cards.changed("net_revenue", one["net_revenue"], was, currency),
        )

    total = (
        Cell(f"{formats.count(len(found))} product{'' if len(found) == 1 else 's'}"),
        Cell(""),
        cards.count(sum(one["units"] for one in found)),
        cards.money(net, currency),
        cards.changed("net_revenue", net, was, currency),
    )
    (foot,) = table(columns, [total])["rows"]
    return Card(
        "top-products",
        "Top products",
        **table(columns, [line(one) for one in best]),
        foot=foot,
        span="w5",
        state=report.split_state,
        note=split_note(report),
        foot_note=adds_up(report, net),
        dataset="products",
        link=("All products", f"{reverse('products')}?{link}"),
        empty=no_products(report),
    )


def no_products(report: Report) -> str:
    return (
        "No product is known of a running day: the batch run splits it once it is over." if report.live_days else "No sale in these days."
    )


def adds_up(report: Report, products: Decimal | None) -> str:
    """What belongs to no product, by name: "Products €391,303.28 − adjustments €209.20 = net revenue €391,094.08."."""
    if products is None:
        return ""
    net = Decimal(report.current.total("net_revenue") or 0)
    adjustments, live = report.batch_adjustments, report.live_net_revenue
    parts = [("adjustments", adjustments), ("days counted live", live), ("lines without a product", net - products - adjustments - live)]
    shown = [(name, amount) for name, amount in parts if amount]
    decimals = formats.places([net, products, *(amount for _, amount in shown)], report.currency)
    if not shown:
        return f"Products add up to net revenue: {formats.money(net, report.currency, decimals)}."
    text = f"Products {formats.money(products, report.currency, decimals)}"
    for name, amount in shown:
        text += f" {'+' if amount > 0 else '−'} {name} {formats.money(abs(amount), report.currency, decimals)}"
    named = " and ".join([name for name, _ in shown[:2]]) if len(shown) < 3 else ", ".join(name for name, _ in shown)
    return f"{named.capitalize()} belong to no product: {text} = net revenue {formats.money(net, report.currency, decimals)}."


def days_card(scope: Scope, page: str | None) -> Card:
    """Every shop-day of the range, newest first, with what a newer run changed."""
    report, currency = scope.report, scope.shop.currency
    pages = Paginator(list(reversed(report.current.shop_days)), DAYS_A_PAGE)
    shown = pages.get_page(page)
    columns = (
        Column("Day", "head"),
        Column("Orders", "num"),
        *(Column(title, "num", "opt") for title in ("Units", "Gross", "Discounts", "Refunds", "Adjustments")),
        Column("Net revenue", "num"),
        Column("State"),
    )

    def amounts(value: Any) -> tuple[Cell, ...]:
        taken = [None if (amount := value(name)) is None else -amount for name in ("discounts", "refunds")]
        middle = [value("gross_revenue"), *taken, value("adjustments")]
        return (
            cards.count(value("orders")),
            cards.count(value("units")),
            *(cards.money(amount, currency) for amount in middle),
            cards.money(value("net_revenue"), currency, "strong"),
        )

    def day(one: Any) -> Row:
        told = difference(one, currency) or (one.state.reason if one.state.name == "provisional" else "")
        return Row(
            (
                Cell(formats.long_day(one.day, report.today).replace(" ", "\u00a0")),
                *amounts(one.value),
                Cell(state=one.state.name, sub=told),
            )
        )

    length = len(report.current.days)
    total = Row((Cell(f"{length} day{'' if length == 1 else 's'}"), *amounts(report.current.total), Cell(state=report.current.state)))
    return Card(
        "days",
        "Days",
        **table(columns, [day(one) for one in shown]),
        foot=total,
        note=f"Newest first; the total covers all {length} days" if length > 1 else "One day, to the penny",
        dataset="daily_sales",
        pager=shown,
    )


def week_card(scope: Scope, span: str) -> Card:
    """When orders come: the average of each hour of the week, in shop time."""
    report = scope.report
    found = {(one["weekday"], one["hour"]): Decimal(one["orders"]) / one["days"] for one in DATASETS["hours_of_week"].records(scope)}
    most = max(found.values(), default=Decimal(0))
    places = 0 if most >= 20 else 1

    def line(weekday: int) -> tuple[Cell, ...]:
        values = [found.get((weekday, hour), Decimal(0)) for hour in range(24)]
        return (Cell(WEEKDAYS[weekday - 1]), *(_heat(value, most, places) for value in values))

    columns = (Column("Day"), *(Column(f"{hour:02d}", "heat") for hour in range(24)))
    best = max(found, key=found.__getitem__, default=None)
    busiest = f"Most orders: {WEEKDAYS[best[0] - 1]} {best[1]:02d}:00, {formats.number(found[best], 1)} on average." if best else ""
    return Card(
        "hours",
        "When orders come",
        **table(columns, [line(weekday) for weekday in sorted({weekday for weekday, _ in found})]),
        note=f"Average orders by weekday and hour, {scope.shop.time_zone} time",
        foot_note=busiest,
        sentence=busiest,
        state=report.split_state,
        span=span,
        dataset="hours_of_week",
        size="hours",
        template="heat",
        extra=("0", formats.number(most, 1)),
        empty="No day of the range is split by hour yet: the batch run does that once the day is over.",
    )


def _heat(value: Decimal, most: Decimal, places: int) -> Cell:
    return Cell(formats.number(value, 1) if places else formats.count(round(value)), str(value), css=cards.heat_step(value, most))


def day_by_hours(scope: Scope) -> Callable[[str], list[Row]]:
    """Gives a metric's 24 hours of the range's one day, against those of the day before; one query for all metrics."""
    report = scope.report
    today, now = scope.days.first == report.today, report.now.hour
    days = [report.current.shop_days[0], report.previous.shop_days[0] if report.previous else None]
    header = DATASETS["hourly_sales"].header
    found = {(one[0], one[2]): dict(zip(header, one, strict=True)) for one in hours(scope, [one.day for one in days if one])}

    def value(name: str, one: Any, hour: int) -> Any:
        if one is None or one.measures is None:
            return None
        known = MEASURES if one.counted_by in ("batch", PART_OF_DAY) else ()
        zero = {name: 0 for name in known if one.measures.get(name) is not None}
        return value_of(name, found.get((one.day, hour), zero))

    def line(name: str, hour: int) -> Row:
        ahead = today and hour > now
        state = days[0].state.name
        values = (None if ahead else value(name, days[0], hour), value(name, days[1], hour))
        made = row(report, name, f"{hour:02d}:00", f"{hour:02d}:00–{hour:02d}:59", "none" if ahead else state, *values)
        return replace(made, cells=(*made.cells[:-1], Cell("to come"))) if ahead else made

    return lambda name: [line(name, hour) for hour in range(24)]
