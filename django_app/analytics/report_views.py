"""The report of a day or a range, laid out for paper."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import path

from analytics import answers, sales_cards
from analytics.analysis import Page, attempt, page
from analytics.cards import Card
from analytics.scope import Scope

TILES = ("net_revenue", "orders", "average_order_value", "units", "conversion_rate", "cart_abandonment", "refund_rate", "sessions")


@page("Daily report", "report.html")
def report(scope: Scope, request: HttpRequest) -> Page:
    """Figures, ledger, best products and channels, as tables on one or two sheets."""
    named = (("channel", "Channels"), ("country", "Countries"), ("device", "Devices"))
    splits = [
        attempt(Card(f"by-{name}", title), lambda _, name=name, title=title: sales_cards.breakdown(scope, name, title, ""))
        for name, title in named
    ]
    return Page(
        figures=[scope.report.figure(name) for name in TILES],
        answer=answers.sales(scope.report),
        lines=[
            [sales_cards.ledger_card(scope)],
            [attempt(Card("top-products", "Top products"), lambda _: sales_cards.best_products(scope))],
            splits,
        ],
    )


urlpatterns = [path("report", report, name="report")]
