"""The Sales page."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import path, reverse

from analytics import answers, sales_cards
from analytics.analysis import Page, attempt, page
from analytics.cards import Card
from analytics.header import address
from analytics.over_time import over_time
from analytics.scope import Scope

TILES = ("net_revenue", "orders", "average_order_value", "units", "conversion_rate", "refund_rate")


@page("Sales")
def sales(scope: Scope, request: HttpRequest) -> Page:
    """How much was sold, from gross to net, when, and how it splits."""
    report = scope.report
    hours = sales_cards.day_by_hours(scope) if report.selection.grain == "hour" else lambda name: None
    over = [
        over_time(report, name, span, hours(name))
        for name, span in (("net_revenue", "w7"), ("orders", "w6"), ("average_order_value", "w6"))
    ]
    products = attempt(Card("top-products", "Top products", span="w5"), lambda _: sales_cards.best_products(scope))
    week = attempt(Card("hours", "When orders come", span="w8"), lambda _: sales_cards.week_card(scope, "w8"))
    splits = [
        attempt(
            Card(f"by-{name}", title, span=span),
            lambda _, name=name, title=title, span=span: sales_cards.breakdown(scope, name, title, span),
        )
        for name, title, span in (
            ("device", "Devices", "w4"),
            ("channel", "Channels", "w4"),
            ("country", "Countries", "w4"),
            ("category", "Categories", "w4"),
        )
    ]
    return Page(
        figures=[report.figure(name) for name in TILES],
        answer=answers.sales(report),
        lines=[
            [over[0], products],
            [sales_cards.ledger_card(scope)],
            [week, splits[0]],
            splits[1:],
            over[1:],
            [sales_cards.days_card(scope, request.GET.get("page"))],
        ],
        actions=(("Report to print", f"{reverse('report')}?{address(scope.shop, scope.selection)}"),),
    )


urlpatterns = [path("sales", sales, name="sales")]
