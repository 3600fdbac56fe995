"""The Data page's cards: runs, checks, live against batch, actions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from analytics import airflow_api, cards, formats
from analytics.cards import Card, Cell, Column, table
from analytics.datasets import DATASETS
from analytics.header import address
from analytics.models import Action
from analytics.scope import Scope
from ecommerce.metrics import MONEY
from ecommerce.shops import Shop, shops

SHOWN = 12
STATUS = {"published": ("Done", "good"), "running": ("Running", "run"), "blocked": ("Stopped by check", "bad"), "failed": ("Failed", "bad")}


def result(status: str, days_revised: int) -> tuple[str, str]:
    """A run's result in words, and as a tag's tone."""
    return ("Done, revised", "info") if days_revised else STATUS[status]


def took(seconds: Decimal) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def runs(scope: Scope) -> Card:
    """The newest runs that touch the days."""
    columns = (
        Column("Days", "head"),
        Column("Source", only="opt"),
        Column("Started"),
        Column("Took", "num", "opt"),
        Column("Rows", "num", "opt"),
        Column("Result"),
    )
    found = DATASETS["runs"].records(scope)
    rows = []
    for run in found[:SHOWN]:
        words, tone = result(run["status"], run["days_revised"])
        days = formats.span(run["from_date"], run["to_date"], scope.shop.today())
        rows.append(
            (
                cards.text(days, run["run_id"], href=f"{reverse('run', args=[run['run_id']])}?{address(scope.shop, scope.selection)}"),
                cards.text(run["source"]),
                Cell(moment(run["started_at"], scope.shop)),
                Cell(took(run["seconds"])),
                cards.count(run["rows_in"]),
                Cell(words, tag=tone, sub="" if run["status"] == "published" else formats.inert(run["message"][:160])),
            )
        )
    return Card(
        "runs", "Runs", **table(columns, rows), note=f"{airflow_api.DAG}; {f'the newest {SHOWN} of {len(found)}' if len(found) > SHOWN else 'newest first'}", span="w7", dataset="runs",
        empty="No run touched these days.", link=("Open Airflow", airflow_api.link()),
    )  # fmt: skip


def behind(shop: Shop, newest: date | None) -> tuple[str, str]:
    """How far a shop's newest published day is behind yesterday, in words and as a tag's tone; a shop that is loaded by hand never is."""
    if newest is None:
        return "no day yet", ""
    if not shop.scheduled:
        return "loaded by hand", ""
    days = (shop.today() - newest).days - 1
    return ("up to yesterday", "good") if days <= 0 else (f"{days} day{'' if days == 1 else 's'} behind", "warn")


def freshness(scope: Scope, found: list[dict[str, Any]]) -> Card:
    """Each shop's newest published day and how far that is behind."""
    columns = (
        Column("Shop", "head"),
        Column("Newest day"),
        Column("Published", only="opt"),
        Column("Days held", "num", "opt"),
        Column("Behind"),
    )
    published = {one["shop_id"]: one for one in found}

    def line(shop: Shop) -> tuple[Cell, ...]:
        one = published.get(shop.shop_id, {"newest_date": None, "published_at": None, "days": 0})
        newest, at = one["newest_date"], one["published_at"]
        words, tone = behind(shop, newest)
        return (
            cards.text(shop.name, shop.shop_id),
            Cell(formats.short_day(newest, shop.today()) if newest else formats.UNKNOWN),
            Cell(moment(at, shop) if at else formats.UNKNOWN),
            cards.count(one["days"]),
            Cell(words, tag=tone),
        )

    return Card(
        "freshness", "Freshness", **table(columns, [line(one) for one in shops().values()]), span="w8", dataset="freshness",
        note="Each shop’s newest published day; the live day is on the Live page",
    )  # fmt: skip


def moment(at: datetime, shop: Shop) -> str:
    local = at.astimezone(shop.zone)
    return f"{formats.short_day(local.date(), shop.today())} {local:%H:%M:%S}"


def checks(scope: Scope) -> Card:
    """The newest runs' checks, failed first."""
    columns = (Column("Check", "head"), Column("Kind", only="opt"), Column("Result"), Column("Value", "num", "opt"))
    found = DATASETS["checks"].records(scope)
    rows = [
        (
            _check(one),
            cards.text(one["severity"]),
            Cell("Passed", tag="good")
            if one["passed"]
            else Cell("Failed", tag="bad" if one["severity"] == "blocking" else "warn", sub=formats.inert(one["detail"][:160])),
            cards.number(one["value"], 0),
        )
        for one in found[:SHOWN]
    ]
    failed = sum(not one["passed"] for one in found)
    note = f"Newest runs, failed first: {len(found) - failed} of {len(found)} passed"
    return Card(
        "checks", "Checks", **table(columns, rows), note=note, span="w5", dataset="checks", empty="No run of these days was checked."
    )


def _check(one: dict[str, Any]) -> Cell:
    """A check's name below what it is of: the whole would not fit its column."""
    of, _, name = one["check_name"].rpartition(".")
    return cards.text(name, " · ".join(filter(None, [of, str(one["date"] or "")])))


def _amount(measure: str, value: Decimal | None, scope: Scope) -> Cell:
    return cards.money(value, scope.shop.currency) if measure in MONEY else cards.count(value)


def reconciliation(scope: Scope) -> Card:
    """Each day's measures, live and batch; those that differ first within a day."""
    columns = (
        Column("Day", "head"), Column("Measure"), Column("Live", "num", "opt"), Column("Batch", "num"), Column("Difference", "num"),
        Column("Why", only="opt"), Column("Agrees"),
    )  # fmt: skip
    found = sorted(DATASETS["reconciliation"].records(scope), key=lambda one: (one["agrees"], -one["date"].toordinal(), one["measure"]))
    rows = []
    for one in found[: 2 * SHOWN]:
        agrees = (
            Cell("Agrees", tag="good")
            if one["agrees"]
            else Cell("Explained" if one["explanation"] else "Differs", tag="info" if one["explanation"] else "bad")
        )
        rows.append(
            (
                Cell(formats.short_day(one["date"], scope.shop.today())), cards.text(one["measure"].replace("_", " ")),
                *(_amount(one["measure"], one[side], scope) for side in ("live", "batch", "difference")), cards.text(one["explanation"] or "", otherwise=""), agrees,
            )
        )  # fmt: skip
    unlike = sum(not one["agrees"] for one in found)
    note = f"Live as counted, batch as published; {unlike} of {len(found)} differ, those first"
    empty = "No day of this range was counted live and published."
    return Card("reconciliation", "Live against batch", **table(columns, rows), note=note, span="w7", dataset="reconciliation", empty=empty)


def actions() -> Card:
    """Who did what, newest first."""
    columns = (Column("When", "head"), Column("Who"), Column("Did"), Column("On", only="opt"), Column("Result", only="opt"))
    rows = [
        (
            Cell(f"{one.at:%Y-%m-%d %H:%M:%S} UTC"),
            cards.text(one.username),
            cards.text(one.action),
            cards.text(one.target, otherwise=""),
            cards.text(one.outcome, otherwise=""),
        )
        for one in Action.objects.all()[:SHOWN]
    ]
    return Card(
        "actions", "Actions", **table(columns, rows), note="Who did what, newest first", span="w5", empty="Nobody did anything yet."
    )
