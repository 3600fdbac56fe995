"""The Funnel page: from visit to order, where people leave, and what stays in carts."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics import cards, formats
from analytics.analysis import ONLY_BATCH, Page, attempt, page
from analytics.answers import compared, strong
from analytics.cards import Card, Cell, Column, Row, table
from analytics.datasets import DATASETS
from analytics.figures import Figure
from analytics.header import address
from analytics.over_time import over_time
from analytics.scope import Scope

MOST_ROWS = 8
CARTS = ("carts", "abandoned", "abandoned_value")


@page("Funnel")
def funnel(scope: Scope, request: HttpRequest) -> Page:
    """Ordered steps with their drop-off, by device, channel and country; carts left behind."""
    report = scope.report
    steps = [one for one in DATASETS["funnel"].records(scope) if one["sessions"] is not None]
    by = (("device", "By device"), ("channel", "By channel"), ("country", "By country"))
    splits = [
        attempt(Card(f"by-{name}", title, span="w6"), lambda _, name=name, title=title: _split(scope, name, title)) for name, title in by
    ]
    # One day by the hour has no conversion of its own: sessions are counted by the day.
    over = [
        over_time(report, name, "w6", [] if report.selection.grain == "hour" else None) for name in ("conversion_rate", "cart_abandonment")
    ]
    return Page(
        figures=[report.figure("conversion_rate"), report.figure("cart_abandonment"), *_cart_figures(scope)],
        answer=_answer(scope, steps),
        lines=[
            [_steps(scope, steps)],
            [] if report.selection.grain == "hour" else over,
            splits[:2],
            [splits[2], attempt(Card("carts-by-channel", "Carts by channel", span="w6"), lambda _: _carts_by(scope))],
            [
                attempt(Card("left", "Left in carts", span="w6"), lambda _: _left(scope)),
                attempt(Card("exits", "Where they leave", span="w6"), lambda _: _exits(scope)),
            ],
        ],
    )


def _answer(scope: Scope, steps: list[dict[str, Any]]) -> SafeString | str:
    report = scope.report
    rate = report.current.value("conversion_rate")
    if rate is None:
        return f"No conversion for these days: {report.current.why_unknown('conversion_rate')}."
    was = report.previous.value("conversion_rate") if report.previous else None
    text = format_html("{} of sessions end with an order{}.", strong(formats.percent(rate)), compared(report, "conversion_rate", rate, was))
    if len(steps) < 2:
        return text
    before, after = max(itertools.pairwise(steps), key=lambda pair: pair[0]["sessions"] - pair[1]["sessions"])
    gone = cards.part_of(before["sessions"] - after["sessions"], before["sessions"])
    lost = strong(f"{formats.percent(gone, 1)} leave")
    return format_html("{} Most are lost between “{}” and “{}”: {}.", text, before["title"], after["title"], lost)


def _cart_figures(scope: Scope) -> list[Figure]:
    report = scope.report
    rows = {row["date"]: row for row in DATASETS["carts"].records(scope)}

    def series(days: Any, name: str) -> list[Any]:
        return [rows[day][name] if day in rows else None for day in days]

    def figure(metric: str, name: str) -> Figure:
        now, was = series(scope.days, name), series(scope.selection.previous or [], name)
        total = sum(filter(None, now)) if any(value is not None for value in now) else None
        before = sum(filter(None, was)) if report.comparable and any(value is not None for value in was) else None
        missing = "the source gives no prices" if any(day in rows for day in scope.days) else "no cart in these days"
        reason = ONLY_BATCH if total is None and report.only_live else missing if total is None else report.not_compared
        if not reason and report.previous and before is None:
            reason = "before: no cart is known"
        lines = ([("prev", was)] if was else []) + [("", now)]
        return Figure(
            metric,
            total,
            before,
            report.currency,
            report.split_state if total is not None else "",
            reason,
            report.previous is not None,
            lines=lines,
        )

    return [figure("carts", "carts"), figure("abandoned_carts", "abandoned"), figure("abandoned_value", "abandoned_value")]


def _steps(scope: Scope, steps: list[dict[str, Any]]) -> Card:
    report = scope.report
    columns = [
        Column("Step", "head"), Column("Bar", "bar"), Column("Sessions", "num"), Column("Of all", "num", "opt"), Column("Of step before", "num"),
        Column("Left here", "num", "opt"), Column("Change", "num", "opt") if report.comparable else None,
    ]  # fmt: skip
    first = steps[0] if steps else {}
    lost = [before["sessions"] - after["sessions"] for before, after in itertools.pairwise(steps)]

    def line(place: int) -> Row:
        one, before = steps[place], steps[place - 1] if place else None
        width = 100 * (cards.part_of(one["sessions"], first["sessions"]) or 0)
        gone = 100 * (cards.part_of(before["sessions"], first["sessions"]) or 0) - width if before else 0
        title, sessions = Cell(f"{place + 1}. {one['title']}"), cards.count(one["sessions"], "strong")
        bar, of_all = Cell("", fill=f"{width:.2f}%", was=f"{gone:.2f}%"), cards.percent(cards.part_of(one["sessions"], first["sessions"]))
        if before is None:
            return Row((title, bar, sessions, of_all, Cell(""), Cell(""), Cell("")))
        rate, was = cards.part_of(one["sessions"], before["sessions"]), cards.part_of(one["previous_sessions"], before["previous_sessions"])
        left = Cell(f"{formats.count(before['sessions'] - one['sessions'])} left", css="drop")
        worst = "worst" if before["sessions"] - one["sessions"] == max(lost) else ""
        return Row(
            (title, bar, sessions, of_all, cards.percent(rate), left, cards.changed("conversion_rate", rate, was, report.currency)),
            kind=worst,
        )

    known = bool(steps) and bool(first["sessions"])
    told = ", ".join(f"{one['title']} {formats.count(one['sessions'])}" for one in steps)
    return Card(
        "steps", "From visit to order", **table(columns, [line(place) for place in range(len(steps))] if known else []),
        template="funnel", dataset="funnel", state=report.split_state, sentence=told,
        note="Sessions that reached each step, in this order, within the session; without days counted live" if report.live_days else "Sessions that reached each step, in this order, within the session",
        foot_note="" if not known else "Solid: went on. Hatched: left here." + ("" if len(steps) == 5 else " Without checkouts: the source gives none."),
        empty="No step of these days is known: the source gives no sessions, or the batch run has not published the days yet.",
        then=("See today’s funnel on the Live page", f"{reverse('live')}?{address(scope.shop, scope.selection)}"),
    )  # fmt: skip


def _split(scope: Scope, dimension: str, title: str) -> Card:
    found = DATASETS["funnel_breakdown"].records(scope, dimension=dimension)[:MOST_ROWS]
    columns = [
        Column(dimension.capitalize(), "head"), Column("Sessions", "num"), Column("Viewed", "num", "share"), Column("Added", "num", "share"),
        Column("Checkout", "num", "share"), Column("Bought", "num", "share"), Column("Conversion", "num"),
    ]  # fmt: skip
    steps = ("sessions", "reached_view", "reached_cart", "reached_checkout", "reached_order")

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        known = [name for name in steps if one[name] is not None]
        before = dict(zip(known[1:], known, strict=False))
        rates = [cards.percent(cards.part_of(one[name], one[before[name]]) if name in before else None) for name in steps[1:]]
        return (
            cards.of_dimension(dimension, one["value"]),
            cards.count(one["sessions"]),
            *rates,
            cards.percent(cards.part_of(one["reached_order"], one["sessions"]), 2, "strong"),
        )

    return Card(
        f"by-{dimension}", title, **table(columns, [line(one) for one in found]), span="w6", state=scope.report.split_state,
        note="Each step as a share of the one before", dataset="funnel_breakdown", options={"dimension": dimension},
        empty=f"No session of these days is split by {dimension}.",
    )  # fmt: skip


def _left(scope: Scope) -> Card:
    found, link = DATASETS["left_in_carts"].records(scope), address(scope.shop, scope.selection)
    columns = [
        Column("Product", "head"),
        Column("Carts", "num", "opt"),
        Column("Left", "num"),
        Column("Value left", "num"),
        Column("Abandoned", "num", "share"),
    ]

    def line(one: dict[str, Any]) -> tuple[Cell, ...]:
        name = cards.text(
            one["product_name"] or one["product_id"], one["category"] or "", f"{reverse('product', args=[one['product_id']])}?{link}"
        )
        amount = cards.money(one["value"], scope.shop.currency, "strong")
        return (
            name,
            cards.count(one["carts"]),
            cards.count(one["abandoned"]),
            amount,
            cards.percent(cards.part_of(one["abandoned"], one["carts"])),
        )

    total = sum((one["value"] for one in found), Decimal(0))
    return Card(
        "left", "Left in carts", **table(columns, [line(one) for one in found[:MOST_ROWS]]), span="w6", dataset="left_in_carts",
        state=scope.report.split_state, note="Without an order in the visit or by the same visitor within 24 hours",
        foot_note=f"{formats.money(total, scope.shop.currency)} left in carts over {formats.count(len(found))} products." if found else "",
        empty="Nothing was left in a cart in these days, or the source gives no carts.",
    )  # fmt: skip


def _carts_by(scope: Scope) -> Card:
    found = DATASETS["carts_breakdown"].records(scope)[:MOST_ROWS]
    columns = [
        Column("Channel", "head"), Column("Carts", "num"), Column("Bought in the visit", "num", "share"), Column("Bought later", "num", "share"),
        Column("Abandoned", "num"), Column("Value left", "num"),
    ]  # fmt: skip
    rows = [
        (
            cards.text(one["value"]), cards.count(one["carts"]), cards.count(one["ordered_in_visit"]), cards.count(one["ordered_later"]),
            cards.percent(cards.part_of(one["abandoned"], one["carts"])), cards.money(one["abandoned_value"], scope.shop.currency, "strong"),
        )
        for one in found
    ]  # fmt: skip
    return Card(
        "carts-by-channel", "Carts by channel", **table(columns, rows), span="w6", dataset="carts_breakdown", options={"dimension": "channel"},
        state=scope.report.split_state, note="What became of each channel’s carts, also in later visits",
        empty="No cart of these days is known: the source gives none, or the batch run has not published the days yet.",
    )  # fmt: skip


def _exits(scope: Scope) -> Card:
    found = DATASETS["exit_pages"].records(scope)
    top = cards.longest(one["sessions"] for one in found)
    columns = [Column("Last page", "head"), Column("Bar", "bar"), Column("Sessions", "num"), Column("Of such visits", "num")]
    rows = [cards.share_line(cards.text(one["page"]), one["sessions"], top, one["all_sessions"]) for one in found[:MOST_ROWS]]
    return Card(
        "exits", "Where they leave", **table(columns, rows), span="w6", dataset="exit_pages", state=scope.report.split_state,
        note="The last page of visits that viewed a product and did not buy", empty="The source gives no pages, or nobody left after a product view.",
    )  # fmt: skip


urlpatterns = [path("funnel", funnel, name="funnel")]
