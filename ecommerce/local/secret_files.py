"""Passwords and keys of the local run: made once, one file each, readable by their owner alone."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from ecommerce import kafka_users, redis_users
from ecommerce.config import ConfigError

POSTGRES_ROLES = ("admin", "owner", "loader", "web", "reader", "airflow")


def _token() -> str:
    return secrets.token_urlsafe(32)


def _long_token() -> str:
    return secrets.token_urlsafe(48)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _typeable() -> str:
    return secrets.token_hex(8)


MAKERS = {f"postgres_{role}_password": _token for role in POSTGRES_ROLES} | {
    **{f"redis_{user}_password": _token for user in redis_users.RIGHTS},
    **{f"kafka_{user}_password": _token for user in kafka_users.USERS},
    "django_secret_key": _long_token,
    "airflow_jwt_secret": _token,
    "airflow_fernet_key": _fernet_key,
    "airflow_api_secret_key": _token,
    "airflow_admin_password": _typeable,
    "spark_connect_token": _token,
    "spark_cluster_secret": _token,
    "customer_hmac_key": _token,
}


def make(folder: Path) -> list[str]:
    """Make every secret that ``folder`` lacks; keep those it has. Returns the names made.

    Raises:
        ConfigError: others may read the folder or a secret and this user cannot change that.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    missing = [name for name in MAKERS if not (folder / name).exists()]
    for name in missing:
        write(folder / name, MAKERS[name]() + "\n")
    try:
        for path in (folder, *(folder / name for name in MAKERS)):
            path.chmod(0o700 if path == folder else 0o600)
    except PermissionError as error:
        raise ConfigError(f"{error.filename} belongs to another user: run as its owner, or remove it and start again") from None
    return missing


def write(path: Path, text: str) -> None:
    """Write ``text`` at ``path`` with mode 0600 from its first byte on, in one atomic step."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)
