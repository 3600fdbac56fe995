"""The one way to show a metric: value, change, state, shape and definition; cards; and numbers, money and dates as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from analytics import cards, formats
from analytics.cards import Card
from analytics.figures import Figure, Number, change
from analytics.ranges import Days
from ecommerce import metrics
from ecommerce.day_states import NONE
from ecommerce.metrics import HLL_STANDARD_ERROR

register = template.Library()
register.filter("money", formats.money)
register.filter("count", formats.count)
register.filter("percent", formats.percent)
register.filter("short_day", formats.short_day)
register.filter("long_day", formats.long_day)
register.filter("next_day", lambda day: day + timedelta(days=1))
register.filter("previous_day", lambda day: day - timedelta(days=1))

RANGE_NOTES = {
    "conversion_rate": "Over several days, sessions are added up: a session counts on every shop-day in which it has an event.",
    "average_order_value": "Worked out from its parts for the whole range, never as an average of averages.",
    "refund_rate": "A refund counts on the day it happens, whenever the order was.",
    "net_revenue": "A refund counts on the day it happens.",
}
SPARK_WIDTH, SPARK_TOP, SPARK_HEIGHT = 120, 1.5, 27.0


@register.filter
def commands(text: str) -> SafeString:
    """``text`` with what stands between backticks as code."""
    parts = (format_html("<code>{}</code>" if place % 2 else "{}", part) for place, part in enumerate(text.split("`")))
    return format_html_join("", "{}", ((part,) for part in parts))


@register.simple_tag
def state(name: str) -> SafeString | str:
    """The badge of a state; nothing where there is no data."""
    if name in ("", NONE):
        return ""
    badge = '<span class="state {0}"><svg class="i" aria-hidden="true"><use href="#s-{0}"/></svg>{1}</span>'
    return format_html(badge, name, name.capitalize())


@register.inclusion_tag("parts/definition.html")
def definition(name: str, estimated: bool = False) -> dict[str, Any]:
    """The metric's name as a heading that opens its definition."""
    metric = metrics.metric(name)
    head, _, rest = metric.definition.partition(". ")
    formula, text = (head.removesuffix("."), rest) if set(head) & set("÷−×") else ("", metric.definition)
    error = formats.percent(Decimal(str(HLL_STANDARD_ERROR)))
    note = f"Live days are estimated, with a standard error of {error}." if estimated else ""
    return {"metric": metric, "formula": formula, "text": " ".join(filter(None, [text, RANGE_NOTES.get(name, ""), note]))}


@register.inclusion_tag("parts/change.html")
def changed(name: str, value: Number | None, previous: Number | None, currency: str) -> dict[str, Any]:
    """The change of a metric with its arrow and tone, spoken as "up, better"; – where it is unknown."""
    found = change(name, value, previous)
    if found is None:
        return {"text": formats.UNKNOWN}
    text = cards.change_text(name, found, currency)
    flat = not any(digit in text for digit in "123456789")
    direction, tone = ("flat", "") if flat else (found.direction, found.tone)
    spoken = {"good": ", better", "bad": ", worse"}.get(tone, "")
    return {"text": text, "direction": direction, "tone": tone, "spoken": "unchanged" if flat else direction + spoken}


@register.inclusion_tag("parts/tile.html")
def metric(figure: Figure) -> dict[str, Any]:
    """A metric: value, change against the named previous figure, state, shape, and its definition on its name."""
    text, point = cards.value_text(figure.name, figure.value, figure.currency), formats.point()
    major, dot, minor = text.partition(point if metrics.metric(figure.name).unit == "money" else "\0")
    return {
        "figure": figure,
        "major": major,
        "minor": dot + minor,
        "previous_text": cards.value_text(figure.name, figure.previous, figure.currency),
        "sparks": sparks(figure.lines),
    }


def sparks(lines: Sequence[tuple[str, Sequence[Number | None]]]) -> list[tuple[str, str]]:
    """SVG paths of series on one scale: (class, path); none where there is no line to draw."""
    known = [float(value) for _, values in lines for value in values if value is not None]
    if not known or min(len(values) for _, values in lines) < 2:
        return []
    return [(kind, _path(values, min(known), max(known))) for kind, values in lines]


def _path(values: Sequence[Number | None], low: float, high: float) -> str:
    step, pen, path = SPARK_WIDTH / (len(values) - 1), "M", ""
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        down = (high - float(value)) / (high - low) if high > low else 0.5
        path += f"{pen}{place * step:.1f} {SPARK_TOP + down * SPARK_HEIGHT:.1f}"
        pen = "L"
    return path


@register.inclusion_tag("cards/card.html", takes_context=True)
def card(context: dict[str, Any], one: Card) -> dict[str, Any]:
    """A card with its head, tools, body, pager and note."""
    asked, pager = context["request"].GET.dict(), one.pager
    others = {name: value for name, value in asked.items() if name != "page"}
    query = urlencode(dict(part.split("=", 1) for part in context["address"].split("&")) | one.options) if one.dataset else ""
    return {
        "card": one,
        "body": f"cards/{one.template}.html",
        "csv": f"{reverse('download', args=[one.dataset, 'csv'])}?{query}" if one.dataset else "",
        "json": f"{reverse('download', args=[one.dataset, 'json'])}?{query}" if one.dataset else "",
        "here": urlencode(asked),
        "turn": urlencode(others),
        "keep": [(name, value) for name, value in others.items() if name != "search"],
        "numbers": list(pager.paginator.get_elided_page_range(pager.number, on_each_side=1, on_ends=1)) if pager else [],
    }


@register.simple_tag
def days(range_of_days: Days, today: date) -> str:
    """A range as text: 21 Oct – 17 Nov."""
    return formats.span(range_of_days.first, range_of_days.last, today)
