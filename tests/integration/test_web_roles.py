"""Roles: viewers look, operators operate, admins manage; the log keeps who did what."""

import psycopg
import pytest
from web import Browser, manage, sign_in_as


@pytest.fixture(scope="module")
def people(dashboard) -> dict[str, Browser]:
    return {role: sign_in_as(dashboard, f"a-{role}", role) for role in ("viewer", "operator", "admin")}


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 403), ("admin", 200)])
def test_administration_is_for_admins(people, role, status):
    assert people[role].get("/admin/").status == status


@pytest.mark.parametrize(
    "path", ["/admin/auth/user/", "/admin/analytics/apitoken/", "/admin/analytics/shopdisplay/", "/admin/analytics/action/"]
)
def test_an_admin_sees_users_tokens_shops_and_actions(people, path):
    assert people["admin"].get(path).status == 200


def test_the_role_is_shown(people):
    for role, browser in people.items():
        assert f"Signed in as a-{role}, {role}" in browser.get("/").text


def test_signing_in_is_logged_with_who_and_when(people, postgres):
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        rows = connection.execute("SELECT username, action, at FROM analytics_action WHERE username = 'a-operator'").fetchall()
    assert [(username, action) for username, action, _ in rows] == [("a-operator", "sign in")]


def test_a_login_link_makes_an_admin(dashboard):
    assert Browser(dashboard).sign_in().get("/admin/").status == 200


def test_a_shop_is_shown_as_the_admin_says(people, postgres):
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        insert = "INSERT INTO analytics_shopdisplay (shop_id, name, position, shown) VALUES (%s, %s, %s, %s) ON CONFLICT (shop_id) DO UPDATE SET name = excluded.name, position = excluded.position, shown = excluded.shown"
        connection.execute(insert, ("rees46", "The <b>Electronics</b>", 1, True))
        connection.execute(insert, ("uci", "", 2, False))
    try:
        page = people["viewer"].get("/")
        assert "The &lt;b&gt;Electronics&lt;/b&gt;" in page.text
        assert 'data-shop="rees46"' in page.text
        assert 'href="?shop=uci"' not in page.text
    finally:
        with psycopg.connect(postgres.postgres_dsn("web")) as connection:
            connection.execute("DELETE FROM analytics_shopdisplay")


def test_a_token_is_stored_as_a_hash(dashboard, postgres):
    token = manage("api_token", "a program")
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        stored = [row[0] for row in connection.execute("SELECT token_hash FROM analytics_apitoken")]
    assert token not in stored
    assert stored
