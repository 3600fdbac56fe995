"""The Data page: the pipeline, what is wrong, runs, checks, what was held back or refused; and what an operator does about it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import redis
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from kafka.errors import KafkaError

from analytics import airflow_api, audit, data_cards, formats, pipeline, roles
from analytics.context import chosen_shop, selected
from analytics.datasets import DATASETS
from analytics.header import address
from analytics.live_source import read_snapshot
from analytics.ranges import RangeError
from analytics.scope import Scope
from ecommerce.alerts import alerts, fullness
from ecommerce.config import settings
from ecommerce.errors import PlatformError
from ecommerce.shops import Shop

GIB = 2**30
SAMPLES = 3
LETTERS = LOOKED_AT = 2000
SAMPLE_CHARACTERS = 1200
GRAVE = {"store", "worker", "run", "disk"}


def _snapshot(shop: Shop) -> dict[str, Any] | None:
    try:
        return read_snapshot(shop.shop_id)
    except redis.RedisError:
        return None  # the box Redis says so


def machine() -> dict[str, str]:
    """Disk and memory where the dashboard runs, as texts."""
    full, free = fullness(settings().var_dir if settings().var_dir.exists() else Path("/"))
    memory = psutil.virtual_memory()
    return {
        "disk": formats.percent(Decimal(full), 0),
        "disk_free": f"{formats.number(free / GIB, 1)} GiB free",
        "memory": formats.percent(1 - Decimal(memory.available) / memory.total, 0),
        "memory_free": f"{formats.number(memory.available / GIB, 1)} GiB available",
    }


def held_back(scope: Scope) -> list[dict[str, Any]]:
    """Rows held back by day, source, reason and rule, each with samples."""
    samples: dict[tuple[Any, ...], list[str]] = {}
    for day, source, file, line, reason, raw, *_ in islice(iter(DATASETS["quarantine_rows"].rows(scope)), LOOKED_AT):
        known = samples.setdefault((day, source, reason.split(":", 1)[0]), [])
        if len(known) < SAMPLES:
            known.append(f"{file}:{line}  {formats.inert(raw[:SAMPLE_CHARACTERS])}")
    found = DATASETS["quarantine"].records(scope)
    return [one | {"samples": samples.get((one["date"], one["source"], one["reason"]), [])} for one in found]


def letters() -> list[dict[str, Any]]:
    """The newest dead letters by reason: how many, how many put back, samples.

    Raises:
        PlatformError, KafkaError: Kafka does not answer.
    """
    from ecommerce import replay_letters
    from ecommerce.letters import Mark

    groups: dict[str, dict[str, Any]] = {}
    waiting: dict[int, str] = {}
    for one in replay_letters.read(settings(), last=LETTERS):
        if isinstance(one, Mark):
            if reason := waiting.pop(one.letter, None):
                groups[reason]["replayed"] += 1
            continue
        waiting[one.id] = one.reason
        group = groups.setdefault(one.reason, {"reason": one.reason, "count": 0, "replayed": 0, "samples": [], "last": None})
        group["count"] += 1
        group["last"], group["detail"] = one.written_at, formats.inert(one.detail[:200])
        text = formats.inert(one.value[:SAMPLE_CHARACTERS].decode("utf-8", "replace"))
        group["samples"] = [*group["samples"], f"{one.id}  {text}"][-SAMPLES:]
    return sorted(groups.values(), key=lambda group: -group["count"])


def _settled(scope: Scope) -> dict[str, Any]:
    """How far the shop's days are published, what checks said, what is held back."""
    fresh = DATASETS["freshness"].records(scope)
    newest = next((one["newest_date"] for one in fresh if one["shop_id"] == scope.shop.shop_id), None)
    checked, held = DATASETS["checks"].records(scope), held_back(scope)
    return {
        "fresh": data_cards.freshness(scope, fresh),
        "newest": newest,
        "behind": data_cards.behind(scope.shop, newest)[0],
        "checked": len(checked),
        "passed": sum(one["passed"] for one in checked),
        "held": held,
        "held_rows": sum(one["rows"] for one in held),
    }


def _context(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    snapshot = _snapshot(scope.shop)
    picture = pipeline.picture(scope, snapshot)
    found = [*pipeline.troubles(picture), *alerts(settings(), role="web")]
    refused = Counter(snapshot["totals"]["refused"]) if snapshot else Counter()
    context = {
        "picture": picture,
        "alerts": [{"alert": one, "tone": "bad" if one.kind in GRAVE else "warn"} for one in found],
        "incident": next((one for one in found if one.kind == "incident"), None),
        "totals": snapshot["totals"] if snapshot else None,
        "refused": refused.most_common(),
        "refused_count": refused.total(),
        "snapshot": snapshot,
        "machine": machine(),
        **_settled(scope),
        "lines": [[data_cards.runs(scope), data_cards.checks(scope)], [data_cards.reconciliation(scope), data_cards.actions()]],
        "may_operate": request.user.has_perm(roles.OPERATE),
        "yesterday": scope.shop.today() - timedelta(days=1),
    }
    if "letters" in request.GET:
        try:
            context["letters"] = letters()
        except (PlatformError, KafkaError) as error:
            context["letters_problem"] = f"{type(error).__name__}: {error}"
    return context


@never_cache
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The page for a shop and its days; 400 where the address names no usable range, 503 where the warehouse does not answer."""
    shop = chosen_shop(request)
    try:
        scope = Scope(shop, selected(request, shop))
        return render(request, "data/data.html", _context(request, scope))
    except RangeError as error:
        return render(request, "data/data.html", {"problem": str(error)}, status=400)
    except DatabaseError:
        return render(request, "data/data.html", {"down": True}, status=503)


def _acted(request: HttpRequest, action: str, target: str, do: Any) -> HttpResponse:
    """Does it, logs it with its outcome, says it on the page."""
    try:
        outcome, level = do(), messages.SUCCESS
    except (PlatformError, KafkaError, RangeError, ValueError) as error:
        outcome, level = f"not done: {error}", messages.ERROR
    audit.record(request, action, target, outcome)
    messages.add_message(request, level, outcome)
    shop = chosen_shop(request)
    return redirect(f"{reverse('data')}?{address(shop, selected(request, shop))}")


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


@require_POST
@permission_required(roles.OPERATE, raise_exception=True)
def run(request: HttpRequest) -> HttpResponse:
    """Triggers the ETL for a day of the shop, through Airflow."""
    shop, form = chosen_shop(request), request.POST

    def do() -> str:
        day = _day(form.get("day", ""))
        return f"Airflow began {airflow_api.trigger(**{'shop': shop.shop_id, 'from': day, 'to': day})}"

    return _acted(request, "trigger run", f"{shop.shop_id} {form.get('day', '')}", do)


@require_POST
@permission_required(roles.OPERATE, raise_exception=True)
def release(request: HttpRequest) -> HttpResponse:
    """Runs the day of rows held back again through Airflow, each put right by ``fix`` (column=value) where one is given."""
    shop, form = chosen_shop(request), request.POST

    def do() -> str:
        from ecommerce import quarantine

        day, column = date.fromisoformat(form.get("day", "")), form.get("fix", "").partition("=")
        fix = {column[0].strip(): column[2].strip()} if column[1] else None
        planned = quarantine.plan(
            settings(), shop.shop_id, day, fix, None, form.get("reason") or None, form.get("source") or None, role="web"
        )
        conf = {"shop": shop.shop_id, "from": planned.from_date, "to": planned.to_date, "source": planned.source, "repair": planned.repair}
        return f"Airflow began {airflow_api.trigger(**conf)}"

    return _acted(request, "replay rows", f"{shop.shop_id} {form.get('day', '')} {form.get('reason', '')}", do)


@require_POST
@permission_required(roles.OPERATE, raise_exception=True)
def replay(request: HttpRequest) -> HttpResponse:
    """Puts dead letters of a reason back into the stream, each repaired by ``fix`` (field=value or JMESPath) where one is given."""
    form = request.POST

    def do() -> str:
        from ecommerce import replay_letters

        outcome = replay_letters.replay(settings(), form.get("reason") or None, form.get("fix") or None)
        again = ", ".join(f"{count} {reason}" for reason, count in outcome.again.most_common())
        return (
            f"{outcome.sent} put back, {outcome.before} were before, {outcome.again.total()} still refused{f' ({again})' if again else ''}"
        )

    return _acted(request, "replay letters", form.get("reason", "all"), do)


urlpatterns = [
    path("data", data, name="data"),
    path("data/run", run, name="data-run"),
    path("data/release", release, name="data-release"),
    path("data/replay", replay, name="data-replay"),
]
