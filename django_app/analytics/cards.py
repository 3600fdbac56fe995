"""Cards as data: a table that a chart may draw, with its downloads. One template shows them all, so pages are lists of cards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from analytics import formats
from analytics.figures import Number, change
from ecommerce.metrics import metric


@dataclass(frozen=True)
class Column:
    """A column: ``kind`` is text, num, bar, tag or change; ``only`` is '', opt (not on phones) or share (not in narrow cards).

    ``role`` makes it a chart's series (current, previous, c1 to c6), called ``label``. ``sort`` is the address that sorts by it.
    """

    title: str
    kind: str = "text"
    only: str = ""
    role: str = ""
    label: str = ""
    sort: str = ""
    sorted: str = ""

    @property
    def css(self) -> str:
        return " ".join(filter(None, ["num" if self.kind in ("num", "change") else "", "rank" if self.kind == "rank" else "", self.only]))


@dataclass(frozen=True)
class Cell:
    """A cell: ``text`` as read, ``raw`` as a chart and a script read it ('' is a gap), and what else its column's kind shows."""

    text: str = formats.UNKNOWN
    raw: str = ""
    sub: str = ""
    href: str = ""
    css: str = ""
    fill: str = ""
    was: str = ""
    state: str = ""
    tag: str = ""


@dataclass(frozen=True)
class Row:
    cells: tuple[Cell, ...]
    state: str = ""
    kind: str = ""
    short: str = ""


@dataclass(frozen=True)
class Card:
    """A titled table. ``chart`` (line, bar, stack, share, waterfall) draws the columns that have a role, in ``unit``.

    ``dataset`` and ``options`` name the download; ``empty`` says what it means that there are no rows, and ``then`` what to do.
    ``template`` is the part below cards/ that draws the body.
    """

    id: str
    title: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    foot: Row | None = None
    note: str = ""
    foot_note: str = ""
    state: str = ""
    span: str = ""
    dataset: str = ""
    options: dict[str, str] = field(default_factory=dict)
    chart: str = ""
    size: str = ""
    unit: str = "count"
    sentence: str = ""
    marks: str = ""
    top: str = ""
    empty: str = ""
    then: tuple[str, str] | None = None
    pager: Any = None
    search: str | None = None
    link: tuple[str, str] | None = None
    template: str = "table"
    extra: Any = None
    failed: bool = False

    @property
    def table(self) -> list[tuple[Row, list[tuple[Column, Cell]]]]:
        """Rows, each with its columns and cells side by side."""
        return [(row, self.pairs(row)) for row in self.rows]

    def pairs(self, row: Row) -> list[tuple[Column, Cell]]:
        return list(zip(self.columns, row.cells, strict=True))

    @property
    def foot_pairs(self) -> list[tuple[Column, Cell]]:
        return self.pairs(self.foot) if self.foot else []

    @property
    def toggles(self) -> bool:
        """Whether it is drawn as more than a table, and can be read as a plain one."""
        return bool(self.chart) or self.template in ("heat", "funnel")

    @property
    def keys(self) -> list[tuple[str, str]]:
        """A stacked chart's key: (role, label)."""
        return [(one.role, one.label or one.title) for one in self.columns if one.role] if self.chart == "stack" else []

    def failing(self) -> Card:
        """This card where the warehouse did not answer."""
        return replace(self, rows=(), foot=None, failed=True)


@dataclass(frozen=True)
class Stack:
    """Cards one below the other, in one place of a line; the first takes the height that is left."""

    span: str
    cards: tuple[Card, ...]


def text(value: str | None, sub: str = "", href: str = "", otherwise: str = "not known") -> Cell:
    """A name from the data, with no control character; ``otherwise`` where there is none."""
    return Cell(formats.inert(value) if value else otherwise, sub=formats.inert(sub), href=href)


def of_dimension(dimension: str, value: str) -> Cell:
    """A value of a dimension as people name it: countries by CLDR's names, devices with a capital letter."""
    if dimension == "country":
        return text(formats.DEFAULT.territories.get(value, value) if len(value) == 2 else value)
    return text(value.capitalize() if dimension == "device" else value)


def money(value: Decimal | None, currency: str, css: str = "", decimals: int | None = None) -> Cell:
    return Cell(formats.money(value, currency, decimals), "" if value is None else f"{value:.4f}", css=css)


def count(value: int | Decimal | None, css: str = "") -> Cell:
    return Cell(formats.count(value), "" if value is None else str(value), css=css)


def percent(value: Decimal | float | None, decimals: int = 1, css: str = "") -> Cell:
    """A quotient; its raw form is in per cent, as charts read it."""
    exact = None if value is None else Decimal(str(value))
    return Cell(formats.percent(exact, decimals), "" if exact is None else f"{exact * 100:.4f}", css=css)


def number(value: Decimal | float | None, decimals: int = 2, after: str = "") -> Cell:
    return Cell(formats.number(value, decimals) + (after if value is not None else ""), "" if value is None else str(value))


def of_metric(name: str, value: Number | None, currency: str, css: str = "") -> Cell:
    """The value of a metric in its unit."""
    unit = metric(name).unit
    exact = None if value is None else Decimal(value)
    return money(exact, currency, css) if unit == "money" else percent(exact, 2, css) if unit == "ratio" else count(exact, css)


def total(values: Iterable[Number | None]) -> Decimal | None:
    """The sum of the known ones; None where none is known, as of a source without prices."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def part_of(part: Number | None, whole: Number | None) -> Decimal | None:
    """``part`` ÷ ``whole``; None where either is unknown or the whole is not positive."""
    return Decimal(part) / Decimal(whole) if part is not None and whole is not None and whole > 0 else None


def bar(value: Number | None, longest: Number, was: Number | None = None) -> Cell:
    """A bar of ``value`` on the scale of ``longest``; a tick marks ``was``."""
    return Cell("") if value is None else Cell("", fill=_length(value, longest), was=_length(was, longest) if was and was > 0 else "")


def _length(value: Number, longest: Number) -> str:
    return f"{100 * Decimal(value) / Decimal(longest):.1f}%" if longest > 0 and value > 0 else "0%"


def share_line(name: Cell, number: int, top: Number, whole: Number) -> tuple[Cell, ...]:
    """A name, its bar on the scale of ``top``, its number, and its share of ``whole``."""
    return (name, bar(number, top), count(number, "strong"), percent(part_of(number, whole)))


def longest(values: Iterable[Number | None]) -> Number:
    """The scale of a column of bars."""
    return max((value for value in values if value is not None), default=0)


def changed(name: str, value: Number | None, previous: Number | None, currency: str, toned: bool = True) -> Cell:
    """The change of a metric, in the colour of better or worse where ``toned``; "new" where there was none before."""
    if value is not None and not previous and metric(name).unit != "ratio":
        return Cell("new" if value and previous == 0 else formats.UNKNOWN)
    found = change(name, value, previous)
    return Cell(change_text(name, found, currency), css=found.tone if found and toned else "") if found else Cell()


def change_text(name: str, found: Any, currency: str) -> str:
    """A change as text: pp for a ratio, % for an amount, the difference itself against zero."""
    if metric(name).unit == "ratio":
        return formats.points(Decimal(found.difference))
    if found.relative is not None:
        return formats.signed_percent(found.relative)
    return ("+" if found.difference > 0 else "") + value_text(name, found.difference, currency)


def value_text(name: str, value: Number | None, currency: str) -> str:
    """A metric's value as text; – where it is unknown."""
    return of_metric(name, value, currency).text


def heat_step(value: Number, most: Number) -> str:
    """The class of a heat map's cell: h0 (none or almost none) to h6 (the most)."""
    return f"h{min(6, int(7 * Decimal(value) / Decimal(most)))}" if most > 0 and value > 0 else "h0"


def table(columns: Sequence[Column | None], rows: Iterable[Sequence[Cell] | Row]) -> dict[str, Any]:
    """``columns`` and ``rows`` of a card; a column that is None is left out, with its cells."""
    kept = [place for place, column in enumerate(columns) if column is not None]

    def row(cells: Sequence[Cell] | Row) -> Row:
        if isinstance(cells, Row):
            return replace(cells, cells=tuple(cells.cells[place] for place in kept))
        return Row(tuple(cells[place] for place in kept))

    return {"columns": tuple(columns[place] for place in kept), "rows": tuple(row(cells) for cells in rows)}
