"""What every page's frame needs: the shops, the chosen one, the theme, the version."""

from typing import Any

from django.http import Http404, HttpRequest

import ecommerce
from ecommerce.shops import Shop, shops

THEMES = ("light", "dark")


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


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of base.html: ``shops``, ``shop``, ``theme`` ('' follows the system), ``page`` (the view's name), ``version``."""
    known = shops()
    theme = request.COOKIES.get("theme", "")
    match = request.resolver_match
    return {
        "shops": list(known.values()),
        "shop": known.get(request.GET.get("shop", ""), next(iter(known.values()))),
        "theme": theme if theme in THEMES else "",
        "page": match.view_name if match else "",
        "version": ecommerce.__version__,
    }
