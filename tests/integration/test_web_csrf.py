"""Every address that changes something asks for its CSRF token."""

import pytest
from web import Browser, login_link, sign_in_as

SIGNED_IN = ["/signout", "/account/password", "/data/run", "/data/release", "/data/replay", "/admin/logout/", "/admin/auth/user/add/"]


@pytest.fixture(scope="module")
def admin(dashboard) -> Browser:
    return sign_in_as(dashboard, "csrf-admin", "admin")


@pytest.mark.parametrize("path", SIGNED_IN)
def test_nothing_changes_without_the_token(admin, dashboard, path):
    assert admin.get(path, {"everywhere": "1", "day": "2026-01-05", "username": "intruder"}).status == 403
    assert admin.get("/sales").url == f"{dashboard}/sales"


def test_nobody_is_signed_in_by_another_page(dashboard):
    link = login_link()
    for path in ("/signin", link):
        assert Browser(dashboard).get(path, {"username": "csrf-admin", "password": "x"}).status == 403
    assert Browser(dashboard).get(link).status == 200
