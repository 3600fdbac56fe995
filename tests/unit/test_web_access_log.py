"""The dashboard's own log of requests opens no door."""

import pytest

from analytics.access_log import plain


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/login/A2-secret_token", "/login/…"),
        ("/prefix/login/A2-secret_token", "/prefix/login/…"),
        ("/sales", "/sales"),
        ("/x\n2026 INFO access: GET /admin/ 200", "/x\\n2026 INFO access: GET /admin/ 200"),
    ],
)
def test_a_path_is_logged_without_tokens_and_on_one_line(path, logged):
    assert plain(path) == logged
