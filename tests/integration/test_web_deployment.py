"""As deployed: Django's own checks, TLS behind a proxy, and a log without tokens."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from asgi_request import __file__ as REQUEST
from web import MANAGE, Browser, login_link

from ecommerce.config import PROJECT_DIR
from ecommerce.local import apps
from ecommerce.local.server import wait_ready
from ecommerce.local.servers import free_port

HTTPS = {"ECOMMERCE_PUBLIC_URL": "https://shop.example/analytics"}


def environment(**values: str) -> dict[str, str]:
    path = os.pathsep.join([str(PROJECT_DIR), str(PROJECT_DIR / "django_app")])
    return os.environ | {"DJANGO_SETTINGS_MODULE": "ecommerce_analytics.settings", "PYTHONPATH": path} | values


def in_django(script: str) -> str:
    """What a Python script prints in the dashboard's Django, behind TLS and a path prefix."""
    setup = "import django\ndjango.setup()\nfrom django.conf import settings\n"
    return subprocess.run(
        [sys.executable, "-c", setup + script], capture_output=True, text=True, check=True, env=environment(**HTTPS)
    ).stdout.strip()


def test_djangos_deployment_checks_find_nothing(postgres):
    command = [sys.executable, MANAGE, "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | HTTPS)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(
    ("scheme", "path", "answer"),
    [
        ("https", "/analytics/", "302 /analytics/signin?next=/analytics/ max-age=2592000; includeSubDomains; preload -"),
        ("https", "/", "302 /analytics/signin?next=/analytics/ max-age=2592000; includeSubDomains; preload -"),
        ("http", "/analytics/", "301 https://shop.example/analytics/ - -"),
        ("http", "/healthz", "200 - - -"),
    ],
)
def test_behind_a_proxy_pages_are_below_its_path_and_over_tls(dashboard, scheme, path, answer):
    """Whether or not the proxy cuts the prefix off."""
    command = [sys.executable, str(REQUEST), "1", path, "host=shop.example", f"x-forwarded-proto={scheme}"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(**HTTPS))
    assert done.stdout.strip() == answer, done.stderr


def test_cookies_go_over_tls_alone_where_the_dashboard_does(dashboard):
    assert in_django("print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE)") == "True True"
    command = [sys.executable, str(REQUEST), "1", "/analytics/signin", "host=shop.example", "x-forwarded-proto=https"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment(**HTTPS, SHOWN="set-cookie")).stdout
    assert told.startswith("200 csrftoken=")
    assert {"HttpOnly", "SameSite=Lax", "Secure"} <= set(told.strip().split("; "))


def test_a_sign_in_leaves_no_token_in_the_log(postgres, redis_server, dashboard):
    """Of a server started as the platform starts it, with all that it prints; without -v 0 daphne prints the token."""
    port = free_port()
    server = apps.django_server(replace(postgres, dashboard_port=port))
    address, link = f"http://127.0.0.1:{port}", login_link()
    token = link.rsplit("/", 1)[1]
    environment = server.environment() | {"ECOMMERCE_DASHBOARD_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, *server.command], cwd=server.cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_ready(server, 60)
            browser = Browser(address)
            assert browser.post(f"{address}/login/{token}", browser.get(f"{address}/login/{token}")).url == f"{address}/"
        finally:
            process.terminate()
            told = process.stdout.read()
    assert "POST /login/…" in told
    assert token not in told
