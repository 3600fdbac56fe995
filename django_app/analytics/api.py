"""GET /api/v1/…: what the pages show, for programs. /api/v1/openapi.json describes it; tokens come from Django admin or `manage.py api_token`.

Each dataset of analytics.datasets is an operation: pages, downloads and the API read the same function.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Query
from ninja.errors import AuthenticationError, Throttled
from ninja.security import HttpBearer, django_auth
from ninja.throttling import AuthRateThrottle
from redis import RedisError

from analytics import api_schemas, api_tokens, live_schema, ranges
from analytics.context import chosen_shop, listed_shops
from analytics.datasets import DATASETS, Dataset
from analytics.json_stream import plain
from analytics.live_source import read_snapshot
from analytics.ranges import RangeError
from analytics.scope import Scope
from ecommerce.config import settings
from ecommerce.metrics import METRICS


class Token(HttpBearer):
    """`Authorization: Bearer ea_…`; a signed-in browser may read as well."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return api_tokens.user_of(token)


api = NinjaAPI(
    title="E-commerce Analytics",
    version="1",
    description="The figures of the dashboard. Amounts and rates are decimal strings, days ISO 8601, instants RFC 3339.",
    auth=[Token(), django_auth],
    throttle=[AuthRateThrottle(settings().api_rate)],
    docs_url=None,
    urls_namespace="api",
)


@api.get("/shops", response=list[api_schemas.Shop], summary="The shops")
def shops(request: HttpRequest) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in api_schemas.Shop.model_fields} for one in listed_shops(request)]


@api.get("/metrics", response=list[api_schemas.Metric], summary="What each figure means")
def metrics(request: HttpRequest) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in api_schemas.Metric.model_fields} for one in METRICS]


@api.get("/live", response=live_schema.Snapshot, summary="The shop's current day as counted now")
def live(request: HttpRequest, shop: str) -> dict[str, Any]:
    return read_snapshot(chosen_shop(request).shop_id)


def _page(dataset: Dataset, request: HttpRequest, query: Any) -> dict[str, Any]:
    shop = chosen_shop(request)
    scope = Scope(shop, ranges.read(request.GET, shop.today()))
    first = (query.page - 1) * query.page_size
    rows = list(islice(iter(dataset.rows(scope, request.GET.dict())), first, first + query.page_size + 1))
    items = [dict(zip(dataset.header, map(plain, row), strict=True)) for row in rows[: query.page_size]]
    return {"items": items, "page": query.page, "next_page": query.page + 1 if len(rows) > query.page_size else None}


def _operation(dataset: Dataset) -> Callable[..., dict[str, Any]]:
    schema = api_schemas.query_of(dataset)

    def operation(request: HttpRequest, query: Annotated[schema, Query()]) -> dict[str, Any]:
        return _page(dataset, request, query)

    operation.__annotations__ = {"request": HttpRequest, "query": Annotated[schema, Query()]}
    return operation


for _dataset in DATASETS.values():
    api.get(f"/{_dataset.name}", response=api_schemas.page_of(_dataset), summary=_dataset.help, operation_id=_dataset.name)(
        _operation(_dataset)
    )


def _answers(status: int, say: Callable[[Any], str], headers: Callable[[Any], dict[str, str]] = lambda error: {}) -> Callable[..., Any]:
    def handle(request: HttpRequest, error: Exception) -> HttpResponse:
        answer = api.create_response(request, {"error": say(error)}, status=status)
        for name, value in headers(error).items():
            answer.headers[name] = value
        return answer

    return handle


for _kind, _handler in {
    AuthenticationError: _answers(
        401, lambda error: "sign in, or send a token: Authorization: Bearer …", lambda error: {"WWW-Authenticate": "Bearer"}
    ),
    Throttled: _answers(
        429, lambda error: f"more than {settings().api_rate} requests: wait", lambda error: {"Retry-After": str(int(error.wait or 1) + 1)}
    ),
    PermissionDenied: _answers(403, lambda error: str(error) or "your role may not do this"),
    RangeError: _answers(400, str),
    Http404: _answers(404, lambda error: str(error) or "there is no such address"),
    OperationalError: _answers(503, lambda error: "the warehouse did not answer within 5 s: ask for fewer days, or try again"),
    RedisError: _answers(503, lambda error: "Redis does not answer: see `make status`"),
}.items():
    api.exception_handler(_kind)(_handler)

# The API asks for a token itself, and answers 401 where a page leads to the sign-in.
urls = api.urls
for _pattern in urls[0]:
    _pattern.callback.login_required = False
