"""The one way to show a metric: value, change, state, shape and definition; and numbers, money and dates as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics import formats
from analytics.figures import Change, Number, Period, ShopDay, change
from analytics.ranges import Days, Selection
from analytics.sales import Report
from analytics.states import NONE
from ecommerce.metrics import BY_NAME, HLL_STANDARD_ERROR, Metric

register = template.Library()
register.filter("money", formats.money)
register.filter("count", formats.count)
register.filter("percent", formats.percent)
register.filter("short_day", formats.short_day)
register.filter("long_day", formats.long_day)

RANGE_NOTES = {
    "conversion_rate": "Over several days, sessions are added up: a session counts on every shop-day in which it has an event.",
    "average_order_value": "Worked out from its parts for the whole range, never as an average of averages.",
    "refund_rate": "A refund counts on the day it happens, whenever the order was.",
    "net_revenue": "A refund counts on the day it happens.",
}
SPARK_WIDTH, SPARK_TOP, SPARK_HEIGHT = 120, 1.5, 27.0


@register.filter
def unbroken(text: str) -> str:
    """``text`` that stays on one line."""
    return text.replace(" ", "\u00a0")


def show(metric: Metric, value: Number | None, currency: str) -> str:
    """A value of ``metric`` as text; – where it is unknown."""
    if metric.unit == "money":
        return formats.money(None if value is None else Decimal(value), currency)
    return formats.percent(value) if metric.unit == "ratio" else formats.count(value)  # type: ignore[arg-type]


def show_change(metric: Metric, found: Change, currency: str) -> str:
    """A change as text: pp for a ratio, % for an amount, the difference itself against zero."""
    if metric.unit == "ratio":
        return formats.points(Decimal(found.difference))
    if found.relative is not None:
        return formats.signed_percent(found.relative)
    return ("+" if found.difference > 0 else "") + show(metric, found.difference, currency)


@register.simple_tag
def state(name: str) -> SafeString | str:
    """The badge of a state; nothing where there is no data."""
    if name == NONE:
        return ""
    badge = '<span class="state {0}"><svg class="i" aria-hidden="true"><use href="#s-{0}"/></svg>{1}</span>'
    return format_html(badge, name, name.capitalize())


@register.inclusion_tag("parts/definition.html")
def definition(name: str, estimated: bool = False) -> dict[str, Any]:
    """The metric's name as a heading that opens its definition."""
    metric = BY_NAME[name]
    head, _, rest = metric.definition.partition(". ")
    formula, text = (head.removesuffix("."), rest) if set(head) & set("÷−×") else ("", metric.definition)
    error = formats.percent(Decimal(str(HLL_STANDARD_ERROR)))
    note = f"Live days are estimated, with a standard error of {error}." if estimated else ""
    return {"metric": metric, "formula": formula, "text": " ".join(filter(None, [text, RANGE_NOTES.get(name, ""), note]))}


@register.inclusion_tag("parts/change.html")
def changed(report: Report, name: str, value: Number | None, previous: Number | None) -> dict[str, Any]:
    """The change of a metric with its arrow and tone, spoken as "up, better"; – where it is unknown."""
    metric, found = BY_NAME[name], change(name, value, previous)
    if found is None:
        return {"text": formats.UNKNOWN}
    text = show_change(metric, found, report.shop.currency)
    flat = not any(digit in text for digit in "123456789")
    direction, tone = ("flat", "") if flat else (found.direction, found.tone)
    spoken = {"good": ", better", "bad": ", worse"}.get(tone, "")
    return {"text": text, "direction": direction, "tone": tone, "spoken": "unchanged" if flat else direction + spoken}


@register.simple_tag
def change_cell(report: Report, name: str, value: Number | None, previous: Number | None, toned: bool = True) -> SafeString:
    """The change of a metric as a table's cell, in the colour of better or worse where ``toned``."""
    found = change(name, value, previous)
    text = show_change(BY_NAME[name], found, report.shop.currency) if found else formats.UNKNOWN
    return format_html('<td class="num {}">{}</td>', found.tone if found and toned else "", text)


@register.simple_tag
def before(selection: Selection) -> str:
    """The previous period in words: the day before, the 28 days before."""
    length = len(selection.days)
    return "the day before" if length == 1 else f"the {length} days before"


def not_compared(report: Report) -> str:
    """Why the range is not compared; '' where it is, or where the reader does not want it."""
    if report.previous is None:
        return ""
    if not report.previous.known:
        return f"no data for {before(report.selection)}"
    if report.data_begins:
        return f"data begins {formats.short_day(report.data_begins, report.today)}, within {before(report.selection)}"
    return ""


@register.inclusion_tag("sales/answer.html")
def answer(report: Report) -> dict[str, Any]:
    """The page's first sentence: how much, compared with what."""
    net = report.current.value("net_revenue")
    previous = report.previous.value("net_revenue") if report.previous and report.comparable else None
    found = change("net_revenue", net, previous)
    text = show_change(BY_NAME["net_revenue"], found, report.shop.currency).lstrip("+−") if found else ""
    return {
        "net": show(BY_NAME["net_revenue"], net, report.shop.currency),
        "days": report.current.days,
        "today": report.today,
        "reason": not_compared(report),
        "change": text,
        "same": not any(digit in text for digit in "123456789"),
        "direction": found.direction if found else "",
        "before": before(report.selection),
    }


@register.inclusion_tag("parts/tile.html")
def tile(report: Report, name: str) -> dict[str, Any]:
    """A metric over the report's range: value, change against the named previous figure, state and shape."""
    metric, value = BY_NAME[name], report.current.value(name)
    previous = report.previous.value(name) if report.previous and report.comparable else None
    major, dot, minor = show(metric, value, report.shop.currency).partition("." if metric.unit == "money" else "\0")
    reason = report.current.why_unknown(name) if value is None else not_compared(report)
    if not reason and report.previous and previous is None:
        reason = f"before: {report.previous.why_unknown(name)}"
    return {
        "report": report,
        "name": name,
        "value": value,
        "previous": previous,
        "major": major,
        "minor": dot + minor,
        "previous_text": show(metric, previous, report.shop.currency),
        "reason": reason,
        "state": report.current.state if value is not None else NONE,
        "estimated": value is not None and report.current.estimated(name),
        "sparks": sparks(name, report.current, report.previous),
    }


def sparks(name: str, current: Period, previous: Period | None) -> list[tuple[str, str]]:
    """SVG paths of the period and, behind it, the one before, on one scale: (class, path)."""
    drawn = [("prev", previous), ("", current)]
    lines = [(kind, [one.value(name) for one in period.shop_days]) for kind, period in drawn if period]
    known = [float(value) for _, values in lines for value in values if value is not None]
    if len(current.shop_days) < 2 or not known:
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


@register.inclusion_tag("parts/day_chart.html")
def day_chart(report: Report, name: str, title: str, span: str, address: str) -> dict[str, Any]:
    """A card with one metric day by day: its line, the days before dashed, its table and downloads."""
    metric, currency = BY_NAME[name], report.shop.currency
    earlier = report.previous.shop_days if report.previous and report.previous.known else (None,) * len(report.current.shop_days)
    rows = [_day_row(report, metric, one, was) for one, was in zip(report.current.shop_days, earlier, strict=True)]
    compared = earlier[0] is not None
    against = f"against {before(report.selection)}" if compared else not_compared(report)
    note = "; ".join(filter(None, [against, "a ring or dashes mark days not plainly final"]))
    return {
        "name": name,
        "title": title,
        "span": span,
        "csv": f"{reverse('sales-daily-csv')}?{address}",
        "note": note[0].upper() + note[1:],
        "unit": currency if metric.unit == "money" else "count",
        "rows": rows,
        "compared": compared,
        "previous_head": before(report.selection).removeprefix("the ").capitalize(),
        "sentence": _sentence(report, metric, title),
    }


def _day_row(report: Report, metric: Metric, one: ShopDay, was: ShopDay | None) -> dict[str, Any]:
    return {
        "short": formats.short_day(one.day, report.current.days.last),
        "title": formats.long_day(one.day, report.today),
        "state": one.state.name,
        "current": _cell(metric, one.value(metric.name), report.shop.currency),
        "previous": _cell(metric, was.value(metric.name), report.shop.currency) if was else None,
    }


def _cell(metric: Metric, value: Number | None, currency: str) -> tuple[str, str]:
    raw = "" if value is None else f"{value:.4f}" if metric.unit == "money" else str(value)
    return raw, show(metric, value, currency)


def _sentence(report: Report, metric: Metric, title: str) -> str:
    days = formats.span(report.current.days.first, report.current.days.last, report.today)
    known = [(value, one.day) for one in report.current.shop_days if (value := one.value(metric.name)) is not None]
    if not known:
        return f"{title}, {days}: no data."
    value, day = max(known)
    return f"{title}, {days}; highest {show(metric, value, report.shop.currency)} on {formats.short_day(day, report.today)}."


@register.simple_tag
def days(range_of_days: Days, today: date) -> str:
    """A range as text: 21 Oct – 17 Nov."""
    return formats.span(range_of_days.first, range_of_days.last, today)


@register.simple_tag
def amount(value: Decimal | None, currency: str, decimals: int) -> str:
    """Money with as many decimals as a column needs to add up."""
    return formats.money(value, currency, decimals)


@register.simple_tag
def minus(value: Decimal, currency: str) -> str:
    """A measure that is taken off, with its minus sign: −€31.20; zero has none."""
    return formats.money(-value, currency)


@register.simple_tag
def total(report: Report, name: str, sign: int = 1) -> str:
    """A measure over the report's range as text, with ``sign``."""
    value = report.current.total(name)
    return show(BY_NAME[name], None if value is None else sign * value, report.shop.currency)
