"""Every table as CSV and JSON: ``/download/<dataset>.csv?shop=…&range=…``."""

from __future__ import annotations

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_safe

from analytics import csv_stream, json_stream, ranges
from analytics.context import chosen_shop
from analytics.datasets import DATASETS
from analytics.ranges import RangeError
from analytics.scope import Scope

FORMATS = {"csv": csv_stream.download, "json": json_stream.download}


@require_safe
def download(request: HttpRequest, name: str, kind: str) -> HttpResponseBase:
    """The rows of dataset ``name``; a plain sentence and status 400 where the address names no usable range or option."""
    if name not in DATASETS or kind not in FORMATS:
        raise Http404(f"There is no download “{name}.{kind}”. There are {', '.join(DATASETS)}, each as {' and '.join(FORMATS)}.")
    shop, dataset = chosen_shop(request), DATASETS[name]
    try:
        scope = Scope(shop, ranges.read(request.GET, shop.today()))
        rows = iter(dataset.rows(scope, request.GET.dict()))
    except RangeError as error:
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")
    except OperationalError:
        return HttpResponse("The warehouse did not answer within 5 s. Choose fewer days or try again.\n", 503, content_type="text/plain")
    called = f"{shop.shop_id}-{name.replace('_', '-')}-{scope.days.first}-{scope.days.last}"
    return FORMATS[kind](called, dataset.header, rows)


urlpatterns = [path("download/<str:name>.<str:kind>", download, name="download")]
