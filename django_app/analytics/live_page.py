"""The Live page's first figures: a snapshot as the texts of the page. live.js writes the same texts from then on."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from analytics import formats, live_parts
from analytics.live_compare import Comparison
from ecommerce.metrics import BY_NAME, MONEY, Metric, ratio
from ecommerce.shops import Shop

QUIET_SECONDS = 60
NOW = Metric("sessions_now", "Sessions now", "count", "distinct", "Distinct session_id with an accepted event in the last 5 minutes.")
TILES = (
    BY_NAME["net_revenue"],
    BY_NAME["orders"],
    BY_NAME["average_order_value"],
    BY_NAME["conversion_rate"],
    BY_NAME["visitors"],
    NOW,
    BY_NAME["refunds"],
)
STEPS = (
    ("sessions", "1. Sessions"),
    ("view_item", "2. Viewed a product"),
    ("add_to_cart", "3. Added to cart"),
    ("begin_checkout", "4. Began checkout"),
    ("purchase", "5. Bought"),
)


@dataclass(frozen=True)
class Tile:
    """One key figure: ``value`` and its ``minor`` part as text, a ``note`` under it, and ``change`` (text, "good" or "bad" or "", "up" or "down")."""

    metric: Metric
    estimated: bool
    value: str
    minor: str = ""
    note: str = ""
    change: tuple[str, str, str] | None = None
    spark: str = ""


@dataclass(frozen=True)
class Step:
    """One step of the funnel, as texts: sessions that reached it, its share of the first step and of the one before; ``fill`` and ``lost`` are the bar's parts."""

    name: str
    title: str
    count: str
    exact: int
    of_all: str
    of_before: str
    fill: str
    lost: str


def measures_of(snapshot: dict[str, Any]) -> dict[str, Decimal | int]:
    """Every measure of the day by name, money as Decimal, distinct ones as estimated."""
    measures = {name: Decimal(value) if name in MONEY else value for name, value in snapshot["measures"].items()}
    measures |= snapshot["estimates"]
    measures["sessions_now"] = snapshot["now"]["sessions"]
    return measures


def figure(metric: Metric, measures: dict[str, Decimal | int]) -> Decimal | None:
    """The metric's value among ``measures``."""
    value = ratio(metric.name, measures) if metric.kind == "ratio" else measures[metric.name]
    return None if value is None else Decimal(value)


def _text(metric: Metric, value: Decimal | None, currency: str) -> tuple[str, str]:
    if value is None or metric.unit == "count":
        return formats.count(value), ""
    if metric.unit == "ratio":
        return formats.percent(value), ""
    whole, dot, minor = formats.money(value, currency).partition(formats.point())
    return whole, dot + minor


def _change(metric: Metric, value: Decimal, before: Decimal) -> tuple[str, str, str]:
    rose = value > before
    better = "" if value == before or not metric.better else "good" if rose == (metric.better == "up") else "bad"
    return formats.signed_percent(value / before - 1), better, "up" if rose else "down" if value < before else "flat"


def _tile(metric: Metric, measures: dict[str, Decimal | int], shop: Shop, compared: Comparison | None) -> Tile:
    value = figure(metric, measures)
    estimated = metric.kind == "distinct" or metric.name == "conversion_rate"
    whole, minor = _text(metric, value, shop.currency)
    if value is None:
        return Tile(metric, estimated, whole, note="no session yet today" if estimated else "no order yet today")
    if estimated:
        return Tile(metric, True, whole, minor, "estimated")
    before = compared.measures.get(metric.name) if compared else None
    if not before:
        return Tile(metric, False, whole, minor, f"nothing by then last {compared.day}" if compared else "no data a week before")
    return Tile(metric, False, whole, minor, "vs " + "".join(_text(metric, before, shop.currency)), _change(metric, value, before))


def tiles(snapshot: dict[str, Any] | None, shop: Shop, compared: Comparison | None) -> list[Tile]:
    """The key figures; "–" each where there is no snapshot."""
    if snapshot is None:
        return [Tile(metric, False, formats.UNKNOWN, note="not loaded") for metric in TILES]
    measures, lines = measures_of(snapshot), live_parts.sparks(snapshot)
    return [replace(_tile(metric, measures, shop, compared), spark=lines.get(metric.name, "")) for metric in TILES]


def _share(part: int, whole: int) -> Decimal | None:
    return min(Decimal(1), Decimal(part) / whole) if whole else None  # estimates may overshoot by their error


def funnel(snapshot: dict[str, Any]) -> list[Step]:
    """The steps of today's funnel."""
    counts = [snapshot["funnel"][name] for name, _ in STEPS]
    steps, before = [], counts[0]
    for (name, title), count in zip(STEPS, counts, strict=True):
        all_, was = _share(count, counts[0]), _share(before, counts[0])
        fill = 100 * (all_ or Decimal(0))
        of_before = "" if name == STEPS[0][0] else formats.percent(_share(count, before), 1)
        lost = f"{max(Decimal(0), 100 * (was or 0) - fill):.2f}%"
        steps.append(Step(name, title, formats.count(count), count, formats.percent(all_, 1), of_before, f"{fill:.2f}%", lost))
        before = count
    return steps


def answer_change(tile: Tile, compared: Comparison | None) -> tuple[str, str] | None:
    """The end of the answer line: "17.5% more" and "than last Wednesday by 14:32"; None without a comparison."""
    if not tile.change or not compared:
        return None
    text, _, way = tile.change
    amount, than = {
        "up": (f"{text.lstrip('+')} more", "than"),
        "down": (f"{text.lstrip('−')} less", "than"),
        "flat": ("the same", "as"),
    }[way]
    return amount, f"{than} last {compared.day} by {compared.until}"


def is_quiet(snapshot: dict[str, Any], now: datetime | None = None) -> bool:
    """Whether no event came for QUIET_SECONDS."""
    last = snapshot["last_event_at"]
    if last is None:
        return True
    return (now or datetime.now(UTC)) - datetime.fromisoformat(last) > timedelta(seconds=QUIET_SECONDS)


def running_totals(snapshot: dict[str, Any], now: datetime) -> list[Decimal | None]:
    """Net revenue of the day up to the end of each hour; None for hours to come (``now`` in the shop's zone)."""
    total, totals = Decimal(0), []
    for hour, row in enumerate(snapshot["hours"]):
        total += Decimal(row["net_revenue"])
        totals.append(total if hour <= now.hour else None)
    return totals
