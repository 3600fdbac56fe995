"""Passwords: chosen by invitation under Django's validators, tried five times, then 429."""

import psycopg
import pytest
from web import Browser, field, manage, sign_in_as

PASSWORD = "a long enough one 7"


@pytest.fixture(autouse=True)
def no_pause(postgres):
    """Failed attempts of one test do not pause the next."""
    yield
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        connection.execute("DELETE FROM axes_accessattempt")


def attempt(base: str, username: str, password: str, browser: Browser | None = None):
    browser = browser or Browser(base)
    page = browser.get("/signin")
    return browser.get("/signin", {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "username": username, "password": password})


@pytest.mark.parametrize("bad", ["short", "password1234", "739164820375", "invitedperson"])
def test_a_weak_password_is_refused_and_the_invitation_stays_good(dashboard, bad):
    browser, link = Browser(dashboard), manage("invite", "invitedperson")
    page = browser.get(link)
    form = {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "new_password1": bad, "new_password2": bad}
    assert 'class="error"' in browser.get(link, form).text
    assert "/signin" in browser.get("/").url
    assert browser.get(link).status == 200


def test_an_invitation_opens_the_dashboard_once_and_the_password_ever_after(dashboard):
    assert sign_in_as(dashboard, "dora", "viewer", PASSWORD).get("/").url == f"{dashboard}/"
    browser = Browser(dashboard)
    assert attempt(dashboard, "dora", PASSWORD, browser).url == f"{dashboard}/"
    assert attempt(dashboard, "dora", PASSWORD + "x").status == 200


def test_brute_force_is_answered_with_429_even_for_the_right_password(dashboard):
    sign_in_as(dashboard, "victor", "viewer", PASSWORD)
    answers = [attempt(dashboard, "victor", f"guess number {n}").status for n in range(5)]
    assert answers[-1] == 429
    answer = attempt(dashboard, "victor", PASSWORD)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) == 900
    assert Browser(dashboard).sign_in().get("/").status == 200


def test_a_client_does_not_get_round_the_pause_by_naming_another_address(dashboard):
    sign_in_as(dashboard, "willa", "viewer", PASSWORD)
    for number in range(5):
        browser = Browser(dashboard)
        browser._opener.addheaders = [("X-Forwarded-For", f"203.0.113.{number}")]
        attempt(dashboard, f"nobody-{number}", "guess", browser)
    assert attempt(dashboard, "willa", PASSWORD).status == 429


def test_another_password_signs_other_browsers_out(dashboard):
    mine = sign_in_as(dashboard, "petra", "viewer", PASSWORD)
    other = Browser(dashboard)
    attempt(dashboard, "petra", PASSWORD, other)
    form = {"csrfmiddlewaretoken": field(mine.get("/account/password"), "csrfmiddlewaretoken"), "old_password": PASSWORD}
    mine.get("/account/password", form | {"new_password1": "another long one 8", "new_password2": "another long one 8"})
    assert mine.get("/").url == f"{dashboard}/"
    assert "/signin" in other.get("/").url
