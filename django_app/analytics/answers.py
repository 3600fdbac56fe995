"""The first sentence of a page: how much, compared with what."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics import cards, formats
from analytics.figures import Number, change
from analytics.report import Report


def strong(text: str) -> SafeString:
    return format_html("<strong>{}</strong>", text)


def compared(report: Report, name: str, value: Number | None, previous: Number | None) -> SafeString:
    """The end of a sentence about a metric: ", 7.2% more than the 28 days before"; '' where nothing is compared."""
    found = change(name, value, previous) if report.comparable else None
    if found is None:
        return format_html("; {}" if report.not_compared else "{}", report.not_compared)
    text = cards.change_text(name, found, report.currency).lstrip("+−")
    if not any(digit in text for digit in "123456789"):
        return format_html(", as much as {}", report.before)
    return format_html(", {} than {}", strong(f"{text} {'more' if found.difference > 0 else 'less'}"), report.before)


def sales(report: Report) -> SafeString:
    """£391,094.08 net in 28 days, 7.2% more than the 28 days before; orders where the source gives no prices."""
    name, noun = ("orders", "orders") if report.current.value("net_revenue") is None else ("net_revenue", "net")
    value = report.current.value(name)
    previous = report.previous.value(name) if report.previous else None
    days = report.current.days
    when = f"on {formats.long_day(days.first, report.today)}" if len(days) == 1 else f"in {len(days)} days"
    text = cards.value_text(name, value, report.currency)
    return format_html("{} {} {}{}.", strong(text), noun, when, compared(report, name, value, previous))
