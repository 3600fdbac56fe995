"""What every page's frame needs: the shops, the chosen one, the days, the theme, the version."""

import sys
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import get_script_prefix

import ecommerce
from analytics import formats, ranges
from analytics.header import header
from analytics.ranges import RangeError, Selection
from ecommerce.shops import Shop, shops

THEMES = ("light", "dark")
DEFAULT_RANGES = {"report": "yesterday"}
"""Pages, by their view's name, that show other days than the usual ones when the address names none."""


def _displayed(request: HttpRequest) -> dict[str, tuple[Shop, bool]]:
    """Each shop of shops.toml as the admin wants it shown, in that order, and whether it is listed; one query a request."""
    from analytics.models import ShopDisplay

    if not hasattr(request, "displayed_shops"):
        rows = {row.shop_id: row for row in ShopDisplay.objects.all()}
        order = sorted(shops().values(), key=lambda one: rows[one.shop_id].position if one.shop_id in rows else sys.maxsize)
        request.displayed_shops = {
            one.shop_id: (replace(one, name=row.name or one.name), row.shown) if (row := rows.get(one.shop_id)) else (one, True)
            for one in order
        }
    return request.displayed_shops


def listed_shops(request: HttpRequest) -> list[Shop]:
    """The shops that are not hidden, in the admin's order; those of no order come last, as in shops.toml."""
    return [one for one, listed in _displayed(request).values() if listed]


def chosen_shop(request: HttpRequest) -> Shop:
    """The shop named by ``?shop=``, by default the first that is listed.

    Raises:
        Http404: it is not in shops.toml.
    """
    known = _displayed(request)
    listed = listed_shops(request) or [one for one, _ in known.values()]
    wanted = request.GET.get("shop") or listed[0].shop_id
    if wanted not in known:
        raise Http404(f"There is no shop “{wanted}”. The shops are {', '.join(one.shop_id for one in listed)}.")
    return known[wanted][0]


def _shop_of(request: HttpRequest) -> Shop:
    try:
        return chosen_shop(request)
    except Http404:  # the page that says so has a frame, too
        return next(iter(shops().values()))


def selected(request: HttpRequest, shop: Shop) -> Selection:
    """The days that the address asks for, by default those of the page.

    Raises:
        RangeError: the address names no usable range.
    """
    return ranges.read(request.GET, shop.today(), DEFAULT_RANGES.get(view_name(request), ranges.DEFAULT))


def view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _role(request: HttpRequest) -> str:
    from analytics.roles import role_of

    return role_of(request.user) if hasattr(request, "user") and request.user.is_authenticated else ""


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html: the header of :mod:`analytics.header`, ``theme`` ('' follows the system), ``page`` (the view's name),
    ``root`` (the path all addresses begin with, ends with /), ``role``, ``version``."""
    shop = _shop_of(request)
    try:
        selection = selected(request, shop)
    except RangeError:
        selection = ranges.read({}, shop.today())
    theme = request.COOKIES.get("theme", "")
    return header(listed_shops(request), shop, selection) | {
        "theme": theme if theme in THEMES else "",
        "page": view_name(request),
        "root": get_script_prefix(),
        "role": _role(request),
        "version": ecommerce.__version__,
        "locale": formats.locale_tag(),
    }
