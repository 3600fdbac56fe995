"""What newer batch runs changed in a range, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from analytics import formats
from analytics.figures import ShopDay
from analytics.report import Report
from ecommerce.day_states import REVISED
from ecommerce.metrics import BY_NAME

TOLD_ONE_BY_ONE = 3


@dataclass(frozen=True)
class Revision:
    """One banner: what was revised, by how much, and why."""

    title: str
    text: str


def difference(one: ShopDay, currency: str) -> str:
    """What the newest run changed on a revised day: "+€84.20 net, +3 orders"; '' where nothing changed."""
    if one.state.name != REVISED or one.state.run is None:
        return ""
    changed = one.state.run.changed
    told = [_told(name, *changed[name], currency) for name in ("net_revenue", "orders") if name in changed]
    if not changed:
        return f"rows of {', '.join(one.state.run.row_changes)} changed, no total did"
    return ", ".join(told) or f"{', '.join(_title(name) for name in changed)} changed"


def _title(name: str) -> str:
    return BY_NAME[name].title.lower() if name in BY_NAME else name.replace("_", " ")


def _told(name: str, before: object, after: object, currency: str) -> str:
    if before is None or after is None:
        return f"{_title(name)} {'now known' if before is None else 'no longer known'}"
    moved = Decimal(str(after)) - Decimal(str(before))
    sign = "+" if moved > 0 else ""
    if name == "net_revenue":
        return f"{sign}{formats.money(moved, currency)} net"
    return f"{sign}{formats.count(moved)} order{'' if abs(moved) == 1 else 's'}"


def revisions(report: Report) -> list[Revision]:
    """A banner for each revised day, or one for all where there are many."""
    days = [one for one in report.current.shop_days if one.state.name == REVISED]
    if len(days) > TOLD_ONE_BY_ONE:
        text = "What changed on each is in the table of days."
        return [Revision(f"{len(days)} days were revised after they were published.", text)]
    return [_revision(report, one) for one in days]


def _revision(report: Report, one: ShopDay) -> Revision:
    run = one.state.run
    assert run is not None  # a revised day has a run
    on = _day(report, run.published_at.astimezone(report.shop.zone).date())
    title = f"{_day(report, one.day)} was revised on {on}: {difference(one, report.shop.currency)}."
    why = f"{run.message.rstrip('.')}. " if run.message else ""
    return Revision(title, f"{why}Run {run.run_id} from source {run.source}.")


def _day(report: Report, day: date) -> str:
    return formats.short_day(day, report.today)
