"""The Customers page and the page of one customer."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import islice
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
from analytics.cards import Card, Cell, Column, Row, table
from analytics.datasets import DATASETS
from analytics.figures import Figure, cut
from analytics.header import address
from analytics.report import Report
from analytics.scope import Scope

RECENCY = {5: "0–14 d", 4: "15–40 d", 3: "41–90 d", 2: "91–180 d", 1: "> 180 d"}
FREQUENCY = {1: "1 order", 2: "2 orders", 3: "3–4 orders", 4: "5–7 orders", 5: "8+ orders"}
MOST_AGES, MOST_COHORTS = 12, 13
BEST_CUSTOMERS = 10
ORDERS_A_PAGE = 15
SHORT_KEY = 12


@page("Customers")
def customers(scope: Scope, request: HttpRequest) -> Page:
    """Who buys: segments, who stays, new against returning, and the best customers."""
    report = scope.report
    totals = {row["span"]: row for row in DATASETS["customer_totals"].records(scope)}
    segments = DATASETS["segments"].records(scope)
    return Page(
        figures=_figures(report, totals),
        answer=_answer(report, totals["range"], segments),
        lines=[
            [
                attempt(Card("map", "Segments on the map", span="w6"), lambda _: _grid(scope)),
                _segments(scope, segments),
            ],
            [attempt(Card("cohorts", "Retention by cohort"), lambda _: _cohorts(scope))],
            [
                attempt(Card("returning", "Returning and new customers", span="w7"), lambda _: _returning(scope)),
                attempt(Card("second", "Days to the second order", span="w5"), lambda _: _second(scope, totals["range"])),
            ],
            [attempt(Card("best", "Best customers"), lambda _: _best(scope, request))],
        ],
    )


def _figures(report: Report, totals: dict[str, dict[str, Any]]) -> list[Figure]:
    now, was = totals["range"], totals.get("previous") if report.comparable else None

    def figure(name: str, value: Any, previous: Any) -> Figure:
        if report.only_live:
            return Figure(name, None, None, report.currency, "", ONLY_BATCH)
        missing = "the source gives no prices" if now["customers"] else "no known customer ordered in these days"
        reason = report.not_compared if value is not None else missing
        return Figure(name, value, previous, report.currency, report.split_state, reason, report.previous is not None)

    def both(name: str, of: Any) -> Figure:
        return figure(name, of(now), of(was) if was else None)

    return [
        both("customers", lambda one: one["customers"]),
        both("new_customers", lambda one: one["new_customers"]),
        both("repeat_rate", lambda one: cards.part_of(one["repeated"], one["known"])),
        both("revenue_per_customer", lambda one: cards.part_of(one["revenue"], one["customers"])),
    ]


def _answer(report: Report, now: dict[str, Any], segments: list[dict[str, Any]]) -> SafeString | str:
    if report.only_live:
        return f"Customers are {ONLY_BATCH}."
    if not now["customers"]:
        return "No known customer ordered in these days: orders without one count in revenue, never here."
    returning = formats.percent(cards.part_of(now["customers"] - now["new_customers"], now["customers"]), 1)
    number = strong(f"{formats.count(now['customers'])} customer{'' if now['customers'] == 1 else 's'}")
    text = format_html("{} ordered, {} of them had ordered before.", number, strong(returning))
    share = cards.part_of(segments[0]["revenue"], cards.total(one["revenue"] for one in segments)) if segments else None
    if share is not None:
        best, share = segments[0], strong(formats.percent(share, 1))
        text += format_html(" {}: {} customers bring {} of two years’ revenue.", best["segment"], formats.count(best["customers"]), share)
    return text


def _grid(scope: Scope) -> Card:
    found = {(one["recency_band"], one["frequency_band"]): one for one in DATASETS["rfm_grid"].records(scope)}
    most = max((one["customers"] for one in found.values()), default=0)

    def cell(recency: int, frequency: int) -> Cell:
        one = found.get((recency, frequency))
        if one is None:
            return Cell("0", "0", css="h0")
        return Cell(formats.count(one["customers"]), str(one["customers"]), sub=one["segment"], css=cards.heat_step(one["customers"], most))

    columns = [Column("Last order"), *(Column(title, "heat") for title in FREQUENCY.values())]
    rows = [(Cell(title), *(cell(recency, frequency) for frequency in FREQUENCY)) for recency, title in RECENCY.items()]
    total = sum(one["customers"] for one in found.values())
    return Card(
        "map", "Segments on the map", **table(columns, rows if found else []), span="w6", template="heat", size="rfm", extra=("few", "many"),
        note=f"{formats.count(total)} customers by last order and number of orders, over two years",
        sentence="Customers by days since the last order and number of orders.", dataset="rfm_grid", state="final" if found else "",
        empty="No known customer has ordered yet: orders without one count in revenue, never here.",
    )  # fmt: skip


def _segments(scope: Scope, found: list[dict[str, Any]]) -> Card:
    currency, link = scope.shop.currency, address(scope.shop, scope.selection)
    top = cards.longest(one["revenue"] for one in found)
    people, revenue = sum(one["customers"] for one in found), cards.total(one["revenue"] for one in found)
    columns = [
        Column("Segment", "head"), Column("Customers", "num"), Column("Share", "num", "opt"), Column("Bar", "bar", "share"),
        Column("Revenue, two years", "num"), Column("A customer", "num", "opt"),
    ]  # fmt: skip

    def line(name: Cell, number: int, amount: Decimal | None, bar: Cell) -> tuple[Cell, ...]:
        each = cards.money(cards.part_of(amount, number), currency)
        return (name, cards.count(number), cards.percent(cards.part_of(number, people)), bar, cards.money(amount, currency, "strong"), each)

    rows = [
        line(
            cards.text(one["segment"], _rule(one), f"?{link}&{urlencode({'segment': one['segment']})}#best"),
            one["customers"],
            one["revenue"],
            cards.bar(one["revenue"], top),
        )
        for one in found
    ]
    (foot,) = table(columns, [line(Cell("All customers"), people, revenue, Cell(""))])["rows"]
    as_of = f", up to {formats.short_day(found[0]['as_of_date'], scope.today)}" if found else ""
    return Card(
        "segments", "Segments by value", **table(columns, rows), foot=foot, span="w6", dataset="segments", state="final" if found else "",
        note=f"Recency and frequency over two years{as_of}; a segment’s name shows its customers",
        empty="No known customer has ordered yet: orders without one count in revenue, never here.",
    )  # fmt: skip


def _rule(one: dict[str, Any]) -> str:
    """A segment in words, from the bands it spans: "0–40 d ago, 5 or more orders"."""
    ages = [RECENCY[band] for band in range(one["highest_recency_band"], one["lowest_recency_band"] - 1, -1)]
    numbers = [FREQUENCY[band] for band in range(one["lowest_frequency_band"], one["highest_frequency_band"] + 1)]
    return f"{_joined(ages)} ago, {_joined(numbers)}"


def _joined(bands: list[str]) -> str:
    """Bands that follow one another as one: 0–14 d and 15–40 d are 0–40 d; 3–4, 5–7 and 8+ orders are 3+ orders."""
    first, last = bands[0], bands[-1]
    low, unit = first.split("–")[0].split(" ")[0], last.split(" ")[-1]
    if first == last:
        return first
    if last.startswith(">"):
        return f"over {int(low) - 1} d"
    return f"{low}+ {unit}" if "+" in last else f"{low}–{last.split('–')[-1]}"


def _cohorts(scope: Scope) -> Card:
    found = DATASETS["cohorts"].records(scope)
    months = sorted({one["cohort_month"] for one in found})[-MOST_COHORTS:]
    share = {(one["cohort_month"], one["age_months"]): one for one in found}
    sizes = {one["cohort_month"]: one["cohort_customers"] for one in found}
    ages = range(1, min(MOST_AGES, max((one["age_months"] for one in found), default=0)) + 1)
    values = [
        cards.part_of(one["customers"], one["cohort_customers"])
        for one in found
        if one["age_months"] in ages and one["cohort_month"] in months
    ]
    most = max(filter(None, values), default=Decimal(0))
    last = max(((one["cohort_month"].year * 12 + one["cohort_month"].month + one["age_months"]) for one in found), default=0)

    def cell(month: Any, age: int) -> Cell:
        reached = month.year * 12 + month.month + age
        if reached > last:
            return Cell("")
        one = share.get((month, age))
        rate = cards.part_of(one["customers"], one["cohort_customers"]) if one else Decimal(0)
        return Cell(formats.percent(rate, 1), f"{rate * 100:.4f}", css=cards.heat_step(rate, most) + (" open" if reached == last else ""))

    columns = [Column("First order"), Column("Customers", "num"), *(Column(f"+{age} mo", "heat") for age in ages)]
    rows = [(Cell(f"{month:%b %Y}"), cards.count(sizes[month]), *(cell(month, age) for age in ages)) for month in months]
    return Card(
        "cohorts", "Retention by cohort", **table(columns, rows), template="heat", dataset="cohorts", extra=("0%", formats.percent(most, 0)),
        note="Share of each month’s new customers who ordered again so many months later", state="final" if found else "",
        sentence="Share of each month’s new customers who ordered again, by months since the first order.",
        foot_note="The dashed diagonal is the newest month: its shares may still rise.",
        empty="No known customer has ordered yet: cohorts begin with the first month of orders.",
    )  # fmt: skip


def _returning(scope: Scope) -> Card:
    report, currency = scope.report, scope.shop.currency
    found = {one["date"]: one for one in DATASETS["new_and_returning"].records(scope)}
    grain = "day" if report.selection.grain == "hour" else report.selection.grain
    unknown = any(one["unknown_orders"] for one in found.values())
    columns = [
        Column({"day": "Day"}.get(grain, "From"), "head"),
        Column("Returning", "num", role="c1"),
        Column("New", "num", role="c2"),
        Column("Not known", "num", role="c3") if unknown else None,
    ]

    def line(piece: Any) -> Row:
        days = [found[day] for day in piece.days if day in found]
        sums = [cards.total([Decimal(0), *(one[f"{kind}_revenue"] for one in days)]) for kind in ("returning", "new", "unknown")]
        title = (
            formats.long_day(piece.days.first, scope.today)
            if len(piece.days) == 1
            else formats.span(piece.days.first, piece.days.last, scope.today)
        )
        return Row(
            (Cell(title), *(cards.money(amount, currency) for amount in sums)),
            state=piece.state,
            short=formats.short_day(piece.days.first, scope.days.last),
        )

    rows = [line(piece) for piece in cut(report.current, grain)]
    return Card(
        "returning", "Returning and new customers", **table(columns, rows if found else []), span="w7", chart="stack", unit=currency,
        note="Gross revenue − discounts by whether the customer had ordered before; pale is not final", dataset="new_and_returning",
        state=report.split_state, sentence="Revenue of returning and new customers over time. The table has every number.",
        empty="No order of these days is in the warehouse yet.",
    )  # fmt: skip


def _second(scope: Scope, now: dict[str, Any]) -> Card:
    found = DATASETS["second_orders"].records(scope)
    total, top = sum(one["customers"] for one in found), cards.longest(one["customers"] for one in found)
    columns = [Column("After", "head"), Column("Bar", "bar"), Column("Customers", "num"), Column("Share", "num")]
    rows = [cards.share_line(Cell(one["span"]), one["customers"], top, total) for one in found]
    foot = Row((Cell("With a second order"), Cell(""), cards.count(total), cards.percent(Decimal(1))))
    rate = formats.percent(cards.part_of(now["repeated"], now["known"]), 1)
    return Card(
        "second", "Days to the second order", **table(columns, rows if total else []), foot=foot, span="w5", dataset="second_orders",
        note=f"{formats.count(now['repeated'])} of {formats.count(now['known'])} customers ordered twice: {rate}",
        empty="Nobody has ordered a second time yet.",
    )  # fmt: skip


def _best(scope: Scope, request: HttpRequest) -> Card:
    segment = request.GET.get("segment", "")[:40]
    dataset, link = DATASETS["customers"], address(scope.shop, scope.selection)
    found = [dict(zip(dataset.header, row, strict=True)) for row in islice(dataset.rows(scope, {"segment": segment}), BEST_CUSTOMERS)]
    columns = [
        Column("Customer", "head"), Column("Segment", "tag", "opt"), Column("First order", only="opt"), Column("Last order"),
        Column("Orders", "num"), Column("Net revenue, ever", "num"),
    ]  # fmt: skip

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            cards.text(one["customer_key"][:SHORT_KEY], href=f"{reverse('customer', args=[one['customer_key']])}?{link}"),
            Cell(one["segment"] or ""),
            Cell(formats.short_day(one["first_order_date"], scope.today)),
            Cell(formats.short_day(one["last_order_date"], scope.today)),
            cards.count(one["orders"]),
            cards.money(one["lifetime_revenue"], scope.shop.currency, "strong"),
        )

    return Card(
        "best", f"Best customers: {segment}" if segment else "Best customers", **table(columns, [line(one) for one in found]),
        note="By net revenue ever; named by a pseudonymous key", dataset="customers", options={"segment": segment} if segment else {},
        empty=f"No customer is in the segment “{formats.inert(segment)}”." if segment else "No known customer has ordered yet.",
        then=("Show all customers", f"?{link}#best") if segment else None, link=("All segments", f"?{link}#best") if segment else None,
    )  # fmt: skip


@page("Customer")
def customer(scope: Scope, request: HttpRequest, customer: str) -> Page:
    """One customer by pseudonymous key: orders, what was bought, how recent and how often."""
    found = DATASETS["customers"].records(scope, customer=customer)
    if not found:
        raise Http404(f"{scope.shop.name} has no customer “{formats.inert(customer[:80])}”.")
    (one,) = found
    orders = DATASETS["customer_orders"].records(scope, customer=customer)
    paid = cards.total(_paid(order) for order in orders)
    segment = f"{one['segment']}. " if one["segment"] else ""

    def figure(name: str, value: Any) -> Figure:
        return Figure(name, value, None, scope.shop.currency, "final", "ever", compared=False)

    return Page(
        title=f"Customer {customer[:SHORT_KEY]}",
        crumb=("Customers", reverse("customers")),
        figures=[
            figure("orders", len(orders)), figure("units", sum(order["units"] for order in orders)),
            figure("net_revenue", one["lifetime_revenue"]), figure("average_order_value", cards.part_of(paid, len(orders))),
        ],
        answer=f"{segment}First order {formats.short_day(one['first_order_date'], scope.today)}, last {formats.short_day(one['last_order_date'], scope.today)}. All figures here are of the whole history.",
        lines=[[_orders(scope, request, customer, orders), attempt(Card("bought", "Bought", span="w5"), lambda _: _bought(scope, customer))]],
    )  # fmt: skip


def _paid(order: dict[str, Any]) -> Decimal | None:
    parts = (order["gross_revenue"], order["discounts"])
    return None if None in parts else parts[0] - parts[1]


def _orders(scope: Scope, request: HttpRequest, customer: str, orders: list[dict[str, Any]]) -> Card:
    shown = Paginator(orders, ORDERS_A_PAGE).get_page(request.GET.get("page"))
    columns = [
        Column("Order", "head"), Column("When"), Column("Units", "num", "opt"), Column("Gross", "num", "opt"), Column("Discounts", "num", "opt"),
        Column("Paid", "num"), Column("Came by", only="opt"),
    ]  # fmt: skip

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        amounts = (one["gross_revenue"], None if one["discounts"] is None else -one["discounts"], _paid(one))
        at = one["ordered_at"].astimezone(scope.shop.zone)
        by = " · ".join(filter(None, [one["channel"], one["country"], one["device"]]))
        when = Cell(f"{formats.short_day(one['date'], scope.today)}, {formats.clock(at)}")
        return (
            cards.text(one["transaction_id"]),
            when,
            cards.count(one["units"]),
            *(cards.money(amount, scope.shop.currency) for amount in amounts),
            cards.text(by),
        )

    channels = Counter(one["channel"] for one in orders if one["channel"]).most_common(1)
    return Card(
        "orders", "Orders", **table(columns, [line(one) for one in shown]), span="w7", pager=shown, dataset="customer_orders",
        options={"customer": customer}, note=f"Newest first; mostly by {formats.inert(channels[0][0])}" if channels else "Newest first",
        empty="The orders of this customer are not in the warehouse.",
    )  # fmt: skip


def _bought(scope: Scope, customer: str) -> Card:
    found, link = DATASETS["customer_products"].records(scope, customer=customer), address(scope.shop, scope.selection)
    top = cards.longest(one["revenue"] for one in found)
    columns = [Column("Product", "head"), Column("Bar", "bar"), Column("Units", "num"), Column("Paid", "num")]
    rows = [
        (
            cards.text(one["product_name"] or one["product_id"], href=f"{reverse('product', args=[one['product_id']])}?{link}" if one["product_id"] else "", otherwise="No product"),
            cards.bar(one["revenue"], top), cards.count(one["units"]), cards.money(one["revenue"], scope.shop.currency, "strong"),
        )
        for one in found[:ORDERS_A_PAGE]
    ]  # fmt: skip
    return Card(
        "bought", "Bought", **table(columns, rows), span="w5", dataset="customer_products", options={"customer": customer},
        note="By what was paid, before refunds", empty="No line of these orders is in the warehouse.",
    )  # fmt: skip


urlpatterns = [path("customers", customers, name="customers"), path("customers/<str:customer>", customer, name="customer")]
