"""Signing in by a one-time link; nothing of the dashboard without it."""

import os
import subprocess
import sys

import psycopg
import pytest
from web import MANAGE, Browser, login_link


@pytest.fixture
def browser(dashboard) -> Browser:
    return Browser(dashboard)


@pytest.mark.parametrize("path", ["/", "/?shop=uci", "/sales", "/live/compare?shop=demo"])
def test_a_stranger_is_led_to_the_sign_in(browser, path):
    answer = browser.get(path)
    assert "/signin" in answer.url
    assert "ecommerce login-link" in answer.text
    assert answer.status == 200


def test_looking_at_a_link_does_not_use_it_up_and_signing_in_does(browser, dashboard):
    link = login_link()
    page = browser.get(link)
    assert browser.get(link).status == 200
    assert browser.post(link, page).url == f"{dashboard}/"
    assert browser.get("/").status == 200
    again = Browser(dashboard)
    assert again.get(link).status == 410
    assert "/signin" in again.get("/").url


def test_of_two_who_press_at_once_one_gets_in(browser, dashboard):
    link, other = login_link(), Browser(dashboard)
    mine, theirs = browser.get(link), other.get(link)
    assert sorted([browser.post(link, mine).status, other.post(link, theirs).status]) == [200, 410]


def test_a_link_expires(browser, postgres):
    link = login_link()
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        connection.execute("UPDATE analytics_loginlink SET expires_at = now() - interval '1 second' WHERE used_at IS NULL")
    answer = browser.get(link)
    assert answer.status == 410
    assert "has expired" in answer.text


def test_the_table_of_links_opens_no_door(browser, postgres):
    token = login_link().rsplit("/", 1)[1]
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        stored = [hashed for (hashed,) in connection.execute("SELECT token_hash FROM analytics_loginlink")]
    assert token not in stored
    assert browser.get(f"/login/{stored[-1]}").status == 410


def test_signing_out_ends_the_session(browser):
    page = browser.sign_in().get("/")
    session = next(cookie for cookie in browser.cookies if cookie.name == "sessionid")
    assert "/signin" in browser.post("/signout", page).url
    browser.cookies.set_cookie(session)
    assert "/signin" in browser.get("/").url


def test_a_link_is_of_the_public_address(platform, postgres):
    told = subprocess.run(
        [sys.executable, MANAGE, "login_link"],
        capture_output=True, text=True, check=True, env=os.environ | {"ECOMMERCE_PUBLIC_URL": "https://shop.example"},
    )  # fmt: skip
    assert told.stdout.startswith("https://shop.example/login/")
