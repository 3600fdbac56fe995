"""The Live page, rendered with the current snapshot, and the figures it is compared with."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import redis
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analytics import formats, live_page, live_parts, live_rows
from analytics.context import chosen_shop
from analytics.live_compare import Comparison, last_week
from analytics.live_source import read_snapshot
from ecommerce.metrics import HLL_STANDARD_ERROR
from ecommerce.shops import Shop

log = logging.getLogger(__name__)


def _snapshot(shop: Shop) -> dict[str, Any] | None:
    try:
        return read_snapshot(shop.shop_id)
    except redis.RedisError as error:
        log.warning("the Live page is rendered without numbers, Redis is away: %s", error)
        return None


def _compared(shop: Shop, now: datetime) -> Comparison | None:
    try:
        return last_week(shop, now)
    except DatabaseError as error:
        log.warning("the Live page is rendered without a comparison: %s", error)
        return None


def _this_hour(snapshot: dict[str, Any], shop: Shop, now: datetime) -> str:
    try:
        return live_parts.this_hour(snapshot, shop, now)
    except DatabaseError as error:
        log.warning("the Live page is rendered without last week's hour: %s", error)
        return ""


def _cards(snapshot: dict[str, Any], shop: Shop, now: datetime, compared: Comparison | None) -> dict[str, Any]:
    return {
        "hours": live_rows.hours(live_page.running_totals(snapshot, now), now, compared, shop),
        "minutes_revenue": live_rows.minutes(snapshot, shop, "net_revenue"),
        "minutes_events": live_rows.minutes(snapshot, shop, "events"),
        "steps": live_page.funnel(snapshot),
        "products": live_rows.products(snapshot, shop),
        "happening": live_rows.happening(snapshot, shop),
        "ledger": live_rows.ledger(snapshot),
        "breakdowns": live_parts.breakdowns(snapshot, shop),
        "rebuilt": live_parts.rebuilt(snapshot, shop),
        "this_hour": _this_hour(snapshot, shop, now),
        "stream": live_rows.stream(snapshot, shop),
        "quiet": live_page.is_quiet(snapshot),
    }


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The page for ``?shop=``; without Redis it says so and fills itself once Redis is back."""
    shop = chosen_shop(request)
    snapshot, now = _snapshot(shop), datetime.now(shop.zone)
    compared = _compared(shop, now)
    tiles = live_page.tiles(snapshot, shop, compared)
    context = {
        "shop": shop,
        "snapshot": snapshot,
        "now": now,
        "compared": compared,
        "compared_json": compared.as_json() if compared else None,
        "tiles": tiles,
        "answer_compare": live_page.answer_change(tiles[0], compared),
        "error": formats.percent(Decimal(str(HLL_STANDARD_ERROR))),
        "quiet_seconds": live_page.QUIET_SECONDS,
    }
    if snapshot:
        context |= _cards(snapshot, shop, now, compared)
    return render(request, "live/live.html", context)


@never_cache
@require_safe
def compare(request: HttpRequest) -> JsonResponse:
    """Last week's same day up to this time of day, as JSON; null where the warehouse has no such day."""
    shop = chosen_shop(request)
    compared = last_week(shop, datetime.now(UTC))
    return JsonResponse(compared.as_json() if compared else None, safe=False)
