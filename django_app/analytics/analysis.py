"""What the pages over a range have in common: the days asked for, banners, empty and failed states, and cards in a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import first_run, ranges
from analytics.cards import Card, Stack
from analytics.context import chosen_shop, selected
from analytics.figures import Figure, settled_sentence
from analytics.header import address
from analytics.ranges import Days, RangeError, Selection
from analytics.report import Report
from analytics.revisions import revisions
from analytics.scope import Scope
from ecommerce.day_states import FINAL, PROVISIONAL, REVISED

MONTH = timedelta(days=28)
STALE_AFTER = timedelta(days=2)
ONLY_BATCH = "counted by the batch run once the day is over"
NOT_YET = "Not known of the running day: the batch run splits a day once it is over. What is counted live is on the Live page."


@dataclass(frozen=True)
class Page:
    """What a page shows: its first sentence, its key figures, and lines of cards; ``failed`` is its own next step in words."""

    figures: list[Figure]
    lines: list[list[Card | Stack]]
    answer: str = ""
    title: str = ""
    crumb: tuple[str, str] | None = None
    actions: tuple[tuple[str, str], ...] = ()


Build = Callable[..., Page]


def page(title: str, template: str = "analysis.html") -> Callable[[Build], Callable[..., HttpResponse]]:
    """Makes ``build(scope, request, **parts of the address)`` a view.

    Status 400, with the pickers and the reason, where the address names no usable range; 503 where the warehouse does not answer.
    """

    def decorate(build: Build) -> Callable[..., HttpResponse]:
        @require_safe
        @wraps(build)
        def view(request: HttpRequest, **parts: str) -> HttpResponse:
            shop = chosen_shop(request)
            context: dict[str, Any] = {"title": title}
            try:
                scope = Scope(shop, selected(request, shop))
                context |= _around(scope.report, hidden="firststeps" in request.COOKIES)
                if scope.report.current.known:
                    context["content"] = _honest(scope, build(scope, request, **parts))
            except RangeError as error:
                return render(request, template, context | {"problem": str(error)}, status=400)
            except OperationalError:
                return render(request, template, context | {"down": True}, status=503)
            return render(request, template, context)

        return view

    return decorate


def attempt(card: Card, fill: Callable[[Card], Card]) -> Card:
    """``card`` with its rows; where the warehouse is too slow for them, the card says so and the others stand."""
    try:
        return fill(card)
    except OperationalError:
        return card.failing()


def _honest(scope: Scope, page: Page) -> Page:
    """``page`` whose empty cards do not say "none" of days that the batch has not split yet."""
    if not scope.report.only_live:
        return page
    live = ("Open the Live page", f"{reverse('live')}?{address(scope.shop, scope.selection)}")

    def told(one: Card | Stack) -> Card | Stack:
        if isinstance(one, Stack):
            return replace(one, cards=tuple(told(part) for part in one.cards))
        return one if one.rows or one.failed else replace(one, empty=NOT_YET, then=live)

    return replace(page, lines=[[told(one) for one in line] for line in page.lines])


def _around(report: Report, hidden: bool) -> dict[str, Any]:
    """Context of everything around the cards."""
    states = {one.day: one.state.name for one in report.current.known}
    return {
        "report": report,
        "settled": settled_sentence(report.current),
        "final_up_to": max((day for day, state in states.items() if state in (FINAL, REVISED)), default=None),
        "provisional": [day for day, state in states.items() if state == PROVISIONAL],
        "revisions": revisions(report),
        "last_known": _last_known(report),
        "stale": _stale(report),
        "steps": [] if hidden else first_run.steps(report.shop),
    }


def _last_known(report: Report) -> dict[str, Any] | None:
    """The last 28 days that have data, where they lie before the last 28 days of the calendar."""
    known = report.coverage
    if known is None or known.last >= report.today - MONTH:
        return None
    days = Days(max(known.first, known.last - MONTH + timedelta(days=1)), known.last)
    return {"days": days, "address": address(report.shop, Selection(ranges.CUSTOM, days, report.selection.compare))}


def _stale(report: Report) -> int:
    """How many days the warehouse is behind, where a scheduled shop's newest day should have come; 0 where all is well."""
    known = report.coverage
    if known is None or not report.shop.scheduled:
        return 0
    behind = report.today - known.last
    return behind.days - 1 if behind > STALE_AFTER else 0
