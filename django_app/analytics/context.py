"""What every page's frame needs: the shops, the chosen one, the days, the theme, the version."""

from typing import Any

from django.http import Http404, HttpRequest

import ecommerce
from analytics import formats, ranges
from analytics.header import header
from analytics.ranges import RangeError, Selection
from ecommerce.shops import Shop, shops

THEMES = ("light", "dark")
DEFAULT_RANGES = {"report": "yesterday"}
"""Pages, by their view's name, that show other days than the usual ones when the address names none."""


def chosen_shop(request: HttpRequest) -> Shop:
    """The shop named by ``?shop=``, by default the first of shops.toml.

    Raises:
        Http404: it is not in shops.toml.
    """
    known = shops()
    wanted = request.GET.get("shop") or next(iter(known))
    if wanted not in known:
        raise Http404(f"There is no shop “{wanted}”. The shops are {', '.join(known)}.")
    return known[wanted]


def selected(request: HttpRequest, shop: Shop) -> Selection:
    """The days that the address asks for, by default those of the page.

    Raises:
        RangeError: the address names no usable range.
    """
    return ranges.read(request.GET, shop.today(), DEFAULT_RANGES.get(view_name(request), ranges.DEFAULT))


def view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html: the header of :mod:`analytics.header`, ``theme`` ('' follows the system), ``page`` (the view's name), ``version``."""
    known = shops()
    shop = known.get(request.GET.get("shop", ""), next(iter(known.values())))
    try:
        selection = selected(request, shop)
    except RangeError:
        selection = ranges.read({}, shop.today())
    theme = request.COOKIES.get("theme", "")
    return header(list(known.values()), shop, selection) | {
        "theme": theme if theme in THEMES else "",
        "page": view_name(request),
        "version": ecommerce.__version__,
        "locale": formats.locale_tag(),
    }
