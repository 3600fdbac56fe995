"""Whether the servers behind the dashboard answer."""

import psycopg
import redis
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse

from analytics.live_source import TIMEOUT_SECONDS, impatient
from ecommerce.config import settings


def _postgres() -> str:
    try:
        with psycopg.connect(settings().postgres_dsn("web"), connect_timeout=TIMEOUT_SECONDS) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return "ok"


def _redis() -> str:
    try:
        with redis.Redis(**impatient()) as client:
            client.ping()
    except redis.RedisError as error:
        return str(error)
    return "ok"


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where PostgreSQL (as role web) and Redis answer, else 503; the body names what is down."""
    parts = {"postgres": _postgres(), "redis": _redis()}
    well = all(state == "ok" for state in parts.values())
    return JsonResponse({"status": "ok" if well else "down", **parts}, status=200 if well else 503)
