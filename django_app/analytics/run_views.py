"""The page of one batch run: what it read, by which code, how long, what it published, and why numbers changed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analytics import cards, data_cards, formats
from analytics.cards import Card, Cell, Column, table
from analytics.context import chosen_shop
from ecommerce import runs
from ecommerce.config import settings
from ecommerce.metrics import BY_NAME, MONEY
from ecommerce.shops import Shop

FILES, DAYS, CHECKS = 50, 10, 50
ROLE = "web"


@never_cache
@require_safe
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """The run's page; 404 where there is no such run, 503 where the warehouse does not answer."""
    shop = chosen_shop(request)
    try:
        found = runs.show(settings(), run_id, role=ROLE)
        if found["shop_id"] != shop.shop_id:
            return redirect(f"{reverse('run', args=[run_id])}?{urlencode(request.GET.dict() | {'shop': found['shop_id']})}")
        return render(request, "data/run_page.html", _context(found, shop))
    except runs.RunError as error:
        raise Http404(f"{str(error).capitalize()}.") from None
    except psycopg.Error:
        return render(request, "data/run_page.html", {"down": True, "run_id": run_id}, status=503)


def _context(found: dict[str, Any], shop: Shop) -> dict[str, Any]:
    revised = [day["date"] for day in found["days"] if day["changed"] or day["row_changes"]]
    words, tone = data_cards.result(found["status"], len(revised))
    differences = [runs.difference(settings(), shop.shop_id, day, found["run_id"], role=ROLE) for day in revised[:DAYS]]
    return {
        "run": found,
        "run_id": found["run_id"],
        "span": formats.span(found["from_date"], found["to_date"], shop.today()),
        "words": words,
        "tone": tone,
        "not_shown": len(revised) - len(differences),
        "lines": [
            [_facts(found, shop), _steps(found)],
            *([_measures(one, shop), _rows(one)] for one in differences),
            [_checks(found, shop)],
            [_files(found)],
        ],
    }


def _facts(found: dict[str, Any], shop: Shop) -> Card:
    took = found["finished_at"] and Decimal((found["finished_at"] - found["started_at"]).total_seconds())
    named: list[tuple[str, Cell]] = [
        ("Source", cards.text(found["source"])),
        ("Days published", cards.count(len(found["days"]))),
        ("Started", _moment(found["started_at"], shop)),
        ("Ended", _moment(found["finished_at"], shop)),
        ("Took", Cell(data_cards.took(took) if took else formats.UNKNOWN)),
        ("Rows in", cards.count(found["rows_in"])),
        ("Good", cards.count(found["rows_good"])),
        ("Held back", cards.count(found["rows_quarantined"])),
        ("Left out", cards.count(found["rows_excluded"])),
        ("Code", cards.text(found["code_version"])),
    ]
    rows = [(Cell(name), value) for name, value in named]
    note = "Rows in are those good, held back and left out"
    return Card("facts", "The run", **table((Column("Of the run", "head"), Column("Value", "num")), rows), note=note, span="w6")


def _moment(at: datetime | None, shop: Shop) -> Cell:
    return Cell(data_cards.moment(at, shop) if at else formats.UNKNOWN)


def _steps(found: dict[str, Any]) -> Card:
    longest = cards.longest(found["steps"].values())
    rows = [
        (cards.text(name), cards.bar(Decimal(str(seconds)), Decimal(str(longest))), cards.number(seconds, 1))
        for name, seconds in sorted(found["steps"].items(), key=lambda one: -one[1])
    ]
    columns = (Column("Step", "head"), Column("Share", "bar", "opt"), Column("Seconds", "num"))
    empty = "The run has not ended, or kept no durations."
    return Card("steps", "Where the time went", **table(columns, rows), note="The longest first", span="w6", empty=empty)


def _measures(one: runs.Difference, shop: Shop) -> Card:
    columns = (Column("Measure", "head"), Column("Before", "num"), Column("After", "num"), Column("Difference", "num"))
    rows = [
        (Cell(_title(name)), *(_value(name, value, shop) for value in values)) for name, values in sorted(one.measures.items(), key=_place)
    ]
    day = formats.short_day(one.day, shop.today())
    before = f"Run {one.previous_run_id} before" if one.previous_run_id else "First published by this run"
    return Card(
        f"measures-{one.day}", f"{day}: what changed", **table(columns, rows), note=f"Because {one.why}. {before}", span="w7",
        empty="No measure of the day changed.",
    )  # fmt: skip


def _place(one: tuple[str, Any]) -> tuple[int, str]:
    """In the order of the metrics, what is none of them last."""
    return (list(BY_NAME).index(one[0]) if one[0] in BY_NAME else len(BY_NAME)), one[0]


def _title(name: str) -> str:
    return BY_NAME[name].title if name in BY_NAME else name.replace("_", " ").capitalize()


def _value(name: str, value: Any, shop: Shop) -> Cell:
    exact = None if value is None else Decimal(str(value))
    return cards.money(exact, shop.currency) if name in MONEY else cards.count(exact)


def _rows(one: runs.Difference) -> Card:
    columns = (Column("Table", "head"), Column("Added", "num"), Column("Removed", "num"), Column("Changed", "num"))
    rows = [(cards.text(name), *(cards.count(count[kind]) for kind in ("added", "removed", "changed"))) for name, count in one.rows.items()]
    return Card(f"rows-{one.day}", "Rows of its facts", **table(columns, rows), span="w5", empty="No row of a fact changed.")


def _checks(found: dict[str, Any], shop: Shop) -> Card:
    judged = [one for one in found["checks"] if one["severity"] != "info"]
    broken = [one for one in judged if not one["passed"]]
    columns = (
        Column("Check", "head"),
        Column("Day", only="opt"),
        Column("Kind"),
        Column("Value", "num", "opt"),
        Column("Found", only="opt"),
    )
    rows = [
        (
            cards.text(one["check_name"]),
            Cell(formats.short_day(one["date"], shop.today()) if one["date"] else "the run"),
            Cell(one["severity"].capitalize(), tag="bad" if one["severity"] == "blocking" else "warn"),
            cards.number(one["value"], 0),
            cards.text((one["detail"] or "")[:300], otherwise=""),
        )
        for one in broken[:CHECKS]
    ]
    note = f"{len(judged) - len(broken)} of {len(judged)} passed{'; these did not' if broken else ''}"
    return Card("checks", "Checks", **table(columns, rows), note=note, empty=f"All {len(judged)} checks passed.")


def _files(found: dict[str, Any]) -> Card:
    files = [(part, file) for part in found["inputs"] for file in part.get("files", [])]
    columns = (Column("File", "head"), Column("Rows", "num"), Column("SHA-256", only="opt"))
    rows = [(cards.text(file["path"], part["path"]), cards.count(file["rows"]), cards.text(file["sha256"])) for part, file in files[:FILES]]
    more = f"The first {FILES} of {len(files)}; all: ecommerce runs show {found['run_id']}" if len(files) > FILES else "What the run read"
    return Card("files", "Files", **table(columns, rows), note=more, empty="The run read no file.")


urlpatterns = [path("data/runs/<str:run_id>", run, name="run")]
