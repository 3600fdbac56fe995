"""The first sentence of a page: how much, compared with what."""

from __future__ import annotations

from analytics import cards, formats
from analytics.figures import Number, change
from analytics.report import Report


def compared(report: Report, name: str, value: Number | None, previous: Number | None) -> str:
    """The end of a sentence about a metric: ", 7.2% more than the 28 days before"; '' where nothing is compared."""
    found = change(name, value, previous) if report.comparable else None
    if found is None:
        return f"; {report.not_compared}" if report.not_compared else ""
    text = cards.change_text(name, found, report.currency).lstrip("+−")
    if not any(digit in text for digit in "123456789"):
        return f", as much as {report.before}"
    return f", {text} {'more' if found.difference > 0 else 'less'} than {report.before}"


def sales(report: Report) -> str:
    """£391,094.08 net in 28 days, 7.2% more than the 28 days before."""
    value = report.current.value("net_revenue")
    previous = report.previous.value("net_revenue") if report.previous else None
    days = report.current.days
    when = f"on {formats.long_day(days.first, report.today)}" if len(days) == 1 else f"in {len(days)} days"
    net = cards.value_text("net_revenue", value, report.currency)
    return f"{net} net {when}{compared(report, 'net_revenue', value, previous)}."
