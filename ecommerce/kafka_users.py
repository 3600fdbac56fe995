"""Kafka's users, as their SCRAM-SHA-256 records in ZooKeeper; the broker must find them when it starts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ecommerce.config import ConfigError, Settings

if TYPE_CHECKING:
    from kazoo.client import KazooClient

BROKER, ADMIN = "broker", "admin"
USERS = (BROKER, ADMIN, "producer", "consumer", "archiver", "operator")
ITERATIONS = 8192
WAIT_SECONDS = 30


class KafkaUsersError(ConfigError):
    """ZooKeeper does not take the users, or belongs to another broker; the message names the remedy."""


def record(user: str, password: str) -> str:
    """What the broker keeps of a password: it can check it with this, not learn it.

    The salt comes from the random password itself, so that the record is the same at every start.
    """
    salt = hmac.digest(password.encode(), f"salt of {user}".encode(), "sha256")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = {"salt": salt, "stored_key": stored_key, "server_key": server_key}
    text = ",".join(f"{name}={base64.b64encode(value).decode()}" for name, value in parts.items())
    return f"{text},iterations={ITERATIONS}"


def login(password: str) -> str:
    """How the broker itself signs in, as Kafka's configuration says it."""
    return f'org.apache.kafka.common.security.scram.ScramLoginModule required username="{BROKER}" password="{password}";'


def write(settings: Settings, records: dict[str, str], broker_data: Path) -> list[str]:
    """Bring ZooKeeper's users to ``records`` (user to SCRAM record); a running broker is told. Returns those changed.

    Raises:
        KafkaUsersError: ZooKeeper does not answer, or ``broker_data`` (the broker's log folder) is of another cluster.
    """
    from kazoo.client import KazooClient
    from kazoo.exceptions import KazooException
    from kazoo.handlers.threading import KazooTimeoutError

    address = f"{settings.zookeeper_host}:{settings.zookeeper_port}"
    logging.getLogger("kazoo").setLevel(logging.ERROR)
    client = KazooClient(address)
    try:
        client.start(timeout=WAIT_SECONDS)
        _check_cluster(client, broker_data)
        return [user for user, text in records.items() if _put(client, user, text)]
    except (KazooException, KazooTimeoutError) as error:
        raise KafkaUsersError(f"ZooKeeper at {address} does not take Kafka's users: {error!r}") from None
    finally:
        client.stop()
        client.close()


def _put(client: KazooClient, user: str, text: str) -> bool:
    path = f"/config/users/{user}"
    data = json.dumps({"version": 1, "config": {"SCRAM-SHA-256": text}}).encode()
    if client.exists(path):
        if client.get(path)[0] == data:
            return False
        client.set(path, data)
    else:
        client.create(path, data, makepath=True)
    notice = json.dumps({"version": 2, "entity_path": f"users/{user}"}).encode()
    client.create("/config/changes/config_change_", notice, sequence=True, makepath=True)
    return True


def _check_cluster(client: KazooClient, broker_data: Path) -> None:
    mark = broker_data / "meta.properties"
    if not mark.exists():
        return
    properties = dict(line.split("=", 1) for line in mark.read_text(encoding="utf-8").splitlines() if "=" in line)
    known = json.loads(client.get("/cluster/id")[0])["id"] if client.exists("/cluster/id") else None
    if (own := properties.get("cluster.id")) != known:
        raise KafkaUsersError(
            f"Kafka's data is of cluster {own}, ZooKeeper knows {known or 'none'}: one of the two was restored or removed without the"
            " other. Restore both from the same time, or remove both to begin with an empty Kafka"
            " (then start the consumer once with --new-generation)"
        )
