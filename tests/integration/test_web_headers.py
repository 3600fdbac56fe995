"""What every answer says about itself, and the health page."""

import json

import pytest
from web import Browser

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
PAGES = ["/", "/?shop=uci", "/sales?shop=demo", "/signin", "/healthz", "/no-such-page", "/?shop=nobody", "/static/analytics/nothing.js"]


@pytest.fixture(scope="module")
def browser(dashboard) -> Browser:
    return Browser(dashboard).sign_in()


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_strict_policy(browser, path):
    headers = browser.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert POLICY.items() <= policy.items()
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/sales?shop=demo", "/signin", "/no-such-page"])
def test_pages_need_nothing_inline_and_nothing_from_elsewhere(browser, path):
    text = browser.get(path).text
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert 'src="http' not in text
    assert 'href="http' not in text


def test_the_session_cookie_is_out_of_reach_of_scripts(browser):
    cookie = next(cookie for cookie in browser.cookies if cookie.name == "sessionid")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_static_files_are_compressed_and_kept_for_good(browser):
    page = browser.get("/").text
    script = page.split('src="', 1)[1].split('"', 1)[0]
    headers = browser.get(script).headers
    assert "immutable" in headers["Cache-Control"]


def test_an_unknown_shop_is_named_with_the_known_ones(browser):
    answer = browser.get("/?shop=nobody")
    assert answer.status == 404
    assert "nobody" in answer.text
    assert "rees46" in answer.text


def test_health_needs_no_sign_in(dashboard):
    answer = Browser(dashboard).get("/healthz")
    assert json.loads(answer.text) == {"status": "ok", "postgres": "ok", "redis": "ok"}


def test_a_foreign_host_is_refused(dashboard):
    import http.client
    from urllib.parse import urlsplit

    address = urlsplit(dashboard)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("GET", "/healthz", headers={"Host": "attacker.example"})
    assert connection.getresponse().status == 400
