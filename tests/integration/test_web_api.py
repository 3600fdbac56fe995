"""/api/v1: a token or a signed-in browser, pages of rows, limits, an OpenAPI document, the same rows as the downloads."""

import json
import os
import subprocess
import sys
import urllib.request
from urllib.error import HTTPError

import pytest
from asgi_request import __file__ as REQUEST
from web import Browser, manage

from ecommerce.config import PROJECT_DIR


@pytest.fixture(scope="module")
def token(dashboard) -> str:
    return manage("api_token", "tests")


def ask(base: str, path: str, token: str | None = None) -> tuple[int, dict, dict]:
    """Status, headers and body of a GET."""
    request = urllib.request.Request(f"{base}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


@pytest.mark.parametrize("token", [None, "ea_wrong", ""])
def test_without_a_token_nothing_is_told(dashboard, token):
    status, headers, body = ask(dashboard, "shops", token)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert set(body) == {"error"}


def test_a_token_opens_it_and_a_deleted_or_expired_one_does_not(dashboard, postgres):
    import psycopg

    token = manage("api_token", "short-lived")
    assert ask(dashboard, "shops", token)[0] == 200
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        connection.execute("UPDATE analytics_apitoken SET expires_at = now() WHERE name = 'short-lived'")
    assert ask(dashboard, "shops", token)[0] == 401


def test_a_signed_in_browser_may_read(dashboard):
    assert Browser(dashboard).sign_in().get("/api/v1/shops").status == 200


def test_pages_of_rows(dashboard, token):
    status, _, first = ask(dashboard, "daily_sales?shop=demo&from=2026-01-01&to=2026-01-10&page_size=4", token)
    assert (status, len(first["items"]), first["next_page"]) == (200, 4, 2)
    third = ask(dashboard, "daily_sales?shop=demo&from=2026-01-01&to=2026-01-10&page_size=4&page=3", token)[2]
    assert (len(third["items"]), third["next_page"]) == (2, None)


def test_the_api_gives_what_the_download_gives(dashboard, token):
    query = "shop=demo&from=2026-01-01&to=2026-01-03"
    downloaded = json.loads(Browser(dashboard).sign_in().get(f"/download/daily_sales.json?{query}").text)
    assert ask(dashboard, f"daily_sales?{query}", token)[2]["items"] == downloaded


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("daily_sales?shop=nobody", 404),
        ("daily_sales", 422),
        ("daily_sales?shop=demo&range=ever", 422),
        ("daily_sales?shop=demo&page_size=1000000", 422),
        ("daily_sales?shop=demo&from=2026-02-01&to=2026-01-01", 400),
        ("live?shop=demo", 200),
        ("metrics", 200),
    ],
)
def test_answers_say_what_is_wrong(dashboard, token, path, status):
    assert ask(dashboard, path, token)[0] == status


def test_the_document_describes_every_dataset(dashboard):
    document = ask(dashboard, "openapi.json")[2]
    paths = document["paths"]
    assert {"/api/v1/shops", "/api/v1/live", "/api/v1/daily_sales"} <= set(paths)
    assert all("get" in operations and len(operations) == 1 for operations in paths.values())
    row = document["components"]["schemas"]["DailySalesRow"]["properties"]
    assert row["net_revenue"]["anyOf"][0]["type"] == "string"


def test_too_many_requests_are_answered_with_429(dashboard):
    manage("invite", "hasty")
    token = manage("api_token", "hasty", "--user", "hasty")
    path = os.pathsep.join([str(PROJECT_DIR), str(PROJECT_DIR / "django_app")])
    environment = {"ECOMMERCE_API_RATE": "3/d", "DJANGO_SETTINGS_MODULE": "ecommerce_analytics.settings", "PYTHONPATH": path}
    command = [sys.executable, REQUEST, "4", "/api/v1/shops", "host=localhost", f"authorization=Bearer {token}"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    answers = [line.split() for line in done.stdout.splitlines()]
    assert [answer[0] for answer in answers] == ["200", "200", "200", "429"], done.stderr
    assert int(answers[-1][-1]) > 0
