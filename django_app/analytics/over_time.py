"""A metric over time as a card: hours, days, weeks or months, against the period before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from analytics import cards, formats
from analytics.cards import Card, Cell, Column, Row
from analytics.figures import Number, Period, cut, cut_like
from analytics.report import Report
from ecommerce.metrics import metric

EACH = {"hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}


def over_time(report: Report, name: str, span: str, hours: Sequence[Row] | None = None) -> Card:
    """The line of metric ``name`` in the selection's grain; ``hours`` are its rows where that grain is the hour."""
    grain, unit = report.selection.grain, metric(name).unit
    compared = bool(report.previous and report.previous.known)
    rows = hours if hours is not None else _rows(report, name, "day" if grain == "hour" else grain)
    title = f"{metric(name).title} {EACH[grain]}"
    against = f"against {report.before}" if compared else report.not_compared
    note = "; ".join(filter(None, [against, "a ring or dashes mark what is not plainly final"]))
    columns = (
        Column({"hour": "Hour", "day": "Day"}.get(grain, "From"), "head"),
        Column("This range", "num", role="current", label="This range"),
        Column(report.before.removeprefix("the ").capitalize(), "num", role="previous", label="Previous") if compared else None,
        Column("State"),
    )
    return Card(
        f"day-{name}",
        title,
        **cards.table(columns, rows),
        note=note[0].upper() + note[1:],
        span=span,
        dataset="hourly_sales" if grain == "hour" else "daily_sales",
        chart="line",
        unit=report.currency if unit == "money" else "percent" if unit == "ratio" else "count",
        sentence=_sentence(report, name, title, rows),
    )


def _rows(report: Report, name: str, grain: str) -> list[Row]:
    pieces = cut(report.current, grain)
    earlier: Sequence[Period | None] = cut_like(report.previous, pieces) if report.previous else [None] * len(pieces)
    return [_row(report, name, piece, was) for piece, was in zip(pieces, earlier, strict=True)]


def _row(report: Report, name: str, piece: Period, was: Period | None) -> Row:
    return row(
        report,
        name,
        formats.short_day(piece.days.first, report.current.days.last),
        _title(piece, report.today),
        piece.state,
        piece.value(name),
        was.value(name) if was else None,
    )


def row(report: Report, name: str, short: str, title: str, state: str, value: Number | None, was: Number | None) -> Row:
    """A row of the card: where it is on the axis, its full name, its state, and the two values."""
    cells = (Cell(title), cards.of_metric(name, value, report.currency), cards.of_metric(name, was, report.currency), Cell(state=state))
    return Row(cells, state=state, short=short)


def _title(piece: Period, today: date) -> str:
    if len(piece.days) == 1:
        return formats.long_day(piece.days.first, today)
    return formats.span(piece.days.first, piece.days.last, today)


def _sentence(report: Report, name: str, title: str, rows: Sequence[Row]) -> str:
    days = formats.span(report.current.days.first, report.current.days.last, report.today)
    known = [(float(one.cells[1].raw), one) for one in rows if one.cells[1].raw]
    if not known:
        return f"{title}, {days}: no data."
    best = max(known, key=lambda pair: pair[0])[1]
    return f"{title}, {days}; highest {best.cells[1].text}: {best.cells[0].text}. The table has every number."
