"""From gross to net revenue: lines that add up on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from analytics import formats
from analytics.figures import Number
from analytics.report import Report

LINES = (
    ("gross_revenue", "Gross revenue", "Gross", 1, "total"),
    ("discounts", "Discounts", "Discounts", -1, ""),
    ("refunds", "Refunds", "Refunds", -1, ""),
    ("adjustments", "Adjustments", "Adjust.", 1, ""),
    ("net_revenue", "Net revenue", "Net", 1, "total"),
)
APART = (("tax", "Tax, apart", "", 1, ""), ("shipping", "Shipping, apart", "", 1, ""))


@dataclass(frozen=True)
class Line:
    """One line: the metric of the range and of the days before, both as signed amounts too, and its part of gross."""

    name: str
    title: str
    short: str
    kind: str
    amount: Decimal | None
    previous: Decimal | None
    of_gross: Decimal | None
    value: Number | None
    previous_value: Number | None


@dataclass(frozen=True)
class Ledger:
    """The lines, those kept apart from revenue, and as many decimals as it takes to add up to the last digit."""

    lines: tuple[Line, ...]
    apart: tuple[Line, ...]
    decimals: int
    sentence: str


def ledger(report: Report) -> Ledger:
    """The ledger of the report's range."""
    lines, apart = (tuple(_line(report, *parts) for parts in table) for table in (LINES, APART))
    amounts = [amount for line in lines for amount in (line.amount, line.previous) if amount is not None]
    decimals = formats.places(amounts, report.shop.currency)
    return Ledger(lines, apart, decimals, _sentence(lines, report.shop.currency, decimals))


def _line(report: Report, name: str, title: str, short: str, sign: int, kind: str) -> Line:
    amount = report.current.total(name)
    previous = report.previous.total(name) if report.previous and report.comparable else None
    gross = report.current.total("gross_revenue")
    part = Decimal(sign * amount) / Decimal(gross) if amount is not None and gross else None
    return Line(name, title, short, kind, _signed(amount, sign), _signed(previous, sign), part, amount, previous)


def _signed(amount: Number | None, sign: int) -> Decimal | None:
    return None if amount is None else Decimal(sign * amount)


def _sentence(lines: tuple[Line, ...], currency: str, decimals: int) -> str:
    if any(line.amount is None for line in lines):
        return ""
    gross, *parts, net = lines
    text = f"Gross {formats.money(gross.amount, currency, decimals)}"
    for line in parts:
        sign = "+" if line.amount > 0 or (line.name == "adjustments" and not line.amount) else "−"
        text += f" {sign} {line.title.lower()} {formats.money(abs(line.amount), currency, decimals)}"
    return f"{text} = net {formats.money(net.amount, currency, decimals)}."
