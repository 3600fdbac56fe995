"""Every component in every state, with made-up numbers: ``/styleguide``, in debug mode alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from analytics import cards
from analytics.cards import Card, Cell, Column, Row, table
from analytics.figures import Figure
from ecommerce.day_states import LEAST_SETTLED_FIRST

COLOURS = {
    "Neutrals": ("bg", "surface", "surface-2", "surface-3", "line", "line-strong", "control", "ink", "ink-2", "ink-3"),
    "Accent and meaning": ("accent", "accent-strong", "accent-soft", "good", "bad", "warn", "info"),
    "Series, in this order": ("c1", "c2", "c3", "c4", "c5", "c6"),
    "Heat": ("h0", "h1", "h2", "h3", "h4", "h5", "h6"),
}
WEEK = (1204, 1311, 988, 1420, 1507, 1333, 1610)
BEFORE = (1100, 1190, 1010, 1290, 1400, 1350, 1422)
STATES = ("final", "final", "revised", "final", "final", "provisional", "live")
PARTS = {"c1": ("Organic search", 5), "c2": ("Direct", 3), "c3": ("Email", 2), "c4": ("Paid search", 2), "c5": ("Social", 1)}


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    context = {"colours": COLOURS, "states": LEAST_SETTLED_FIRST, "figures": _figures(), "lines": _lines(), "title": "Style guide"}
    return render(request, "styleguide.html", context)


def _figures() -> list[Figure]:
    lines = [("prev", BEFORE), ("", WEEK)]
    value, was = Decimal("391094.08"), Decimal("364848.35")
    return [
        Figure("net_revenue", value, was, "GBP", "final", lines=lines),
        Figure("orders", 6968, 6506, "GBP", "provisional", lines=lines),
        Figure("refund_rate", Decimal("0.0451"), Decimal("0.0461"), "GBP", "revised", lines=lines),
        Figure("visitors", 1311, 1190, "GBP", "live", estimated=True, lines=lines),
        Figure("units", 1204, None, "GBP", "final", "no data for the 28 days before"),
        Figure("conversion_rate", None, None, "GBP", "", "the source gives no sessions"),
    ]


def _lines() -> list[list[Card]]:
    blank = Card("empty", "A table without rows", span="w4", empty="No sale in these days.", then=("Show 28 days", "?"))
    failed = replace(Card("failed", "A card that failed", span="w4"), failed=True)
    return [
        [replace(_time("line", "Line: over time"), span="w6"), replace(_time("bar", "Bars: how much in each day"), span="w6")],
        [replace(_stack(), span="w6"), replace(_share(), span="w6")],
        [_waterfall()],
        [replace(_heat(), span="w8"), replace(_table(), span="w4")],
        [_funnel()],
        [blank, failed, Card("loading", "Loading", span="w4", template="loading", rows=(Row(()),))],
    ]


def _time(kind: str, title: str) -> Card:
    columns = [
        Column("Day", "head"),
        Column("This range", "num", role="current"),
        Column("Previous", "num", role="previous"),
        Column("State"),
    ]
    rows = [
        Row((Cell(f"{day} Nov"), cards.count(now), cards.count(was), Cell(state=state)), state=state, short=f"{day} Nov")
        for day, now, was, state in zip(range(11, 18), WEEK, BEFORE, STATES, strict=True)
    ]
    return Card(
        kind,
        title,
        **table(columns, rows),
        chart=kind,
        note="Solid is settled; dashes and rings are not",
        sentence="A week of made-up numbers.",
    )


def _stack() -> Card:
    columns = [Column("Day", "head"), *(Column(name, "num", role=role) for role, (name, _) in PARTS.items())]
    rows = [
        Row((Cell(f"{day} Nov"), *(cards.count(total * part // 13) for _, part in PARTS.values())), state=state, short=f"{day} Nov")
        for day, total, state in zip(range(11, 18), WEEK, STATES, strict=True)
    ]
    return Card(
        "stack", "Stack: parts over time", **table(columns, rows), chart="stack", note="At most six parts", sentence="A week in five parts."
    )


def _share() -> Card:
    columns = [Column("Best-selling", "head"), Column("Share", "num", role="current")]
    rows = [Row((Cell(f"{n} products"), cards.percent(1 - Decimal("0.9") ** n)), short=str(n)) for n in range(1, 41)]
    return Card(
        "share", "Share: how concentrated", **table(columns, rows), chart="share", unit="percent", top="100",
        marks="80:A ends at 80%,95:B ends at 95%", sentence="A cumulative share.",
    )  # fmt: skip


def _waterfall() -> Card:
    lines = (
        ("Gross revenue", 441491, "gross"),
        ("Discounts", -31694, ""),
        ("Refunds", -18493, ""),
        ("Adjustments", -210, ""),
        ("Net revenue", 391094, "net"),
    )
    rows = [
        Row((Cell(name), cards.money(Decimal(value), "GBP", "line" if kind == "net" else "")), kind=kind, short=name)
        for name, value, kind in lines
    ]
    columns = [Column("Line", "head"), Column("Amount", "num", role="current", label="Amount")]
    return Card(
        "waterfall", "Ledger: from one total to another", **table(columns, rows), chart="waterfall", unit="GBP", template="ledger",
        sentence="A waterfall.", foot_note="Parts stand above their total.",
    )  # fmt: skip


def _heat() -> Card:
    columns = [Column("Day"), *(Column(f"{hour:02d}", "heat") for hour in range(24))]
    rows = [
        (Cell(day), *(Cell(str(n), css=cards.heat_step(n, 98)) for n in range(place, 96 + place, 4)))
        for place, day in enumerate(("Mon", "Tue", "Wed"))
    ]
    return Card(
        "heat", "Heat map: when", **table(columns, rows), template="heat", size="hours", extra=("0", "98"), sentence="Made-up numbers."
    )


def _table() -> Card:
    columns = [Column("Product", "head"), Column("Bar", "bar"), Column("Net revenue", "num"), Column("Class", "tag")]
    best = (("Oak step stool", 46840, 41000, "A"), ("Linen throw", 33739, 25600, "A"), ("Enamel kettle", 26215, 27900, "B"))
    rows = [
        (Cell(name), cards.bar(now, 46840, was), cards.money(Decimal(now), "GBP", "strong"), Cell(kind)) for name, now, was, kind in best
    ]
    return Card("table", "Bars: which are the largest", **table(columns, rows), state="revised", note="The tick marks the days before")


def _funnel() -> Card:
    columns = [Column("Step", "head"), Column("Bar", "bar"), Column("Sessions", "num")]
    steps = (
        ("1. Sessions", 268266, "100%", "0%", ""),
        ("2. Viewed a product", 164367, "61%", "39%", "worst"),
        ("3. Bought", 6907, "3%", "58%", ""),
    )
    rows = [
        Row((Cell(name), Cell("", fill=fill, was=lost), cards.count(count, "strong")), kind=kind) for name, count, fill, lost, kind in steps
    ]
    return Card("way", "Funnel: where they leave", **table(columns, rows), template="funnel", sentence="Made-up numbers.")


urlpatterns = [path("styleguide", styleguide, name="styleguide")]
