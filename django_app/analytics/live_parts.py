"""The Live page's breakdowns, sparklines and this hour against last week's: a snapshot as texts. live-parts.js writes the same from then on."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from analytics import formats, live_rows
from analytics.scope import fetch
from ecommerce.shops import Shop

TITLES = {"country": "Country", "channel": "Channel", "device": "Device"}
WIDTH, HEIGHT = 120, 32
SPARKS = {"net_revenue": "net_revenue", "orders": "orders", "sessions_now": "events"}
"""Tile to the measure of the last 60 minutes that its sparkline shows."""
HOUR = "SELECT orders, net_revenue FROM warehouse.mart_hourly_sales WHERE shop_id = %s AND date = %s AND hour = %s"


def breakdowns(snapshot: dict[str, Any], shop: Shop) -> list[dict[str, Any]]:
    """For each dimension its title and rows: value, cells of orders, events and amount, ``width`` in per cent of the largest."""
    found = snapshot.get("breakdown") or {}
    return [{"name": name, "title": title, "rows": _rows(found.get(name, []), shop)} for name, title in TITLES.items()]


def _rows(found: list[dict[str, Any]], shop: Shop) -> list[dict[str, Any]]:
    most = max((Decimal(one["gross_revenue"]) for one in found), default=Decimal(0))
    return [
        {
            "value": one["value"],
            "events": live_rows.count(one["events"]),
            "orders": live_rows.count(one["orders"]),
            "amount": live_rows.money(one["gross_revenue"], shop),
            "width": f"{Decimal(one['gross_revenue']) / most * 100:.1f}%" if most else "0%",
        }
        for one in found
    ]


def sparks(snapshot: dict[str, Any]) -> dict[str, str]:
    """For each tile of SPARKS the path of the last 60 minutes, in a box of WIDTH by HEIGHT."""
    return {tile: path([float(minute[measure]) for minute in snapshot["minutes"]]) for tile, measure in SPARKS.items()}


def path(values: list[float]) -> str:
    """An SVG path through ``values``, from zero or the least up to the largest."""
    low, high = min([0.0, *values]), max([0.0, *values])
    step, scale = WIDTH / max(1, len(values) - 1), (HEIGHT - 2) / (high - low or 1)
    points = [f"{number * step:.1f} {HEIGHT - 1 - (value - low) * scale:.1f}" for number, value in enumerate(values)]
    return "M" + "L".join(points)


def rebuilt(snapshot: dict[str, Any], shop: Shop) -> str:
    """The time of the day, in the shop's zone, at which its figures were last counted anew; '' where that was another day or never."""
    if not snapshot.get("rebuilt_at"):
        return ""
    at = datetime.fromisoformat(snapshot["rebuilt_at"]).astimezone(shop.zone)
    return f"{at:%H:%M:%S}" if at.date().isoformat() == snapshot["date"] else ""


def this_hour(snapshot: dict[str, Any], shop: Shop, now: datetime) -> str:
    """The hour so far against the whole same hour last week, as a sentence; '' where that hour is not in the warehouse."""
    local = now.astimezone(shop.zone)
    rows = fetch(HOUR, (shop.shop_id, local.date() - timedelta(days=7), local.hour))
    if not rows:
        return ""
    orders, net = rows[0]
    hour, amount = snapshot["hours"][local.hour], formats.money
    return (
        f"This hour so far {amount(Decimal(hour['net_revenue']), shop.currency)} from {formats.count(hour['orders'])} orders; "
        f"last {local:%A} from {local:%H}:00 to {local:%H}:59 {amount(net, shop.currency)} from {formats.count(orders)}"
    )
