"""Secrets are made once, differ, and only their owner can read them."""

import stat

from ecommerce.local import secret_files


def modes(folder):
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_made_once_with_mode_0600(tmp_path):
    folder = tmp_path / "secrets"
    assert secret_files.make(folder) == list(secret_files.MAKERS)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes(folder) == {0o600}
    assert len(set(first.values())) == len(first)
    assert secret_files.make(folder) == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == first


def test_a_lost_secret_is_made_again_and_open_ones_are_closed(tmp_path):
    secret_files.make(tmp_path)
    (tmp_path / "redis_admin_password").unlink()
    (tmp_path / "django_secret_key").chmod(0o644)
    assert secret_files.make(tmp_path) == ["redis_admin_password"]
    assert modes(tmp_path) == {0o600}
