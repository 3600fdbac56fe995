"""Questions that show whether a server works; each returns None or raises :class:`NotReady`.

Client libraries are imported where they are used: the supervisor starts every program through this
package and containers ask for their health through it every few seconds; together they take a second.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from ecommerce.config import Settings
from ecommerce.local.server import NotReady

TIMEOUT_SECONDS = 5


def port(host: str, number: int) -> None:
    """Something accepts connections on the port."""
    try:
        socket.create_connection((host, number), timeout=TIMEOUT_SECONDS).close()
    except OSError as error:
        raise NotReady(f"no answer on {host}:{number} ({error.strerror or error})") from None


def postgres(settings: Settings, database: str = "postgres") -> None:
    """PostgreSQL answers a query of its administrator."""
    import psycopg

    options = {"host": settings.postgres_host, "port": settings.postgres_port, "dbname": database, "user": "postgres"}
    try:
        with psycopg.connect(**options, password=settings.secret("postgres_admin_password"), connect_timeout=TIMEOUT_SECONDS) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise NotReady(f"PostgreSQL on port {settings.postgres_port}: {str(error).strip().splitlines()[-1]}") from None


def redis_server(settings: Settings) -> None:
    """Redis answers PING with the password, and has its data in memory."""
    import redis

    try:
        with redis.Redis(**settings.redis_options, socket_timeout=TIMEOUT_SECONDS) as client:
            client.ping()
    except redis.RedisError as error:
        raise NotReady(f"Redis on port {settings.redis_port}: {error}") from None


def zookeeper(settings: Settings) -> None:
    """ZooKeeper answers ``ruok`` with ``imok``."""
    try:
        with socket.create_connection((settings.host, settings.zookeeper_port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(b"ruok")
            answer = connection.recv(16)
    except OSError as error:
        raise NotReady(f"ZooKeeper on port {settings.zookeeper_port}: {error.strerror or error}") from None
    if answer != b"imok":
        raise NotReady(f"ZooKeeper answers {answer!r} instead of imok")


def kafka(settings: Settings) -> None:
    """The broker answers a metadata request."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    host, _, number = settings.kafka_bootstrap.split(",")[0].rpartition(":")
    port(host, int(number))
    try:
        client = KafkaAdminClient(
            **settings.kafka_options, request_timeout_ms=TIMEOUT_SECONDS * 1000, bootstrap_timeout_ms=TIMEOUT_SECONDS * 1000
        )
    except KafkaError as error:
        raise NotReady(f"{settings.kafka_awaited}: {error}") from None
    try:
        if not client.describe_cluster()["brokers"]:
            raise NotReady("Kafka has no broker yet")
    except KafkaError as error:
        raise NotReady(f"{settings.kafka_awaited}: {error}") from None
    finally:
        client.close()


def page(url: str) -> bytes:
    """The body of ``url``, which must answer 200; no proxy is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise NotReady(f"{url} answers {error.code}: {error.read(200).decode(errors='replace')}") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"no answer from {url}: {getattr(error, 'reason', error)}") from None


def airflow(address: str, component: str) -> None:
    """The health page of the Airflow at ``address`` calls ``component`` (metadatabase, scheduler or dag_processor) healthy."""
    health = json.loads(page(f"{address}/api/v2/monitor/health")).get(component)
    if (health or {}).get("status") != "healthy":
        raise NotReady(f"Airflow's {component} is not healthy: {health}")


def heartbeat(path: Path, max_age_seconds: float = 15) -> dict:
    """What a worker last wrote about itself; it must be at most ``max_age_seconds`` old, and not wait for a server."""
    try:
        age = time.time() - path.stat().st_mtime
        state = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotReady(f"{path.stem} has not reported yet") from None
    except json.JSONDecodeError:
        raise NotReady(f"{path.stem} wrote an unreadable report ({path})") from None
    if age > max_age_seconds:
        raise NotReady(f"{path.stem} last reported {age:.0f} s ago")
    if str(state.get("state", "")).startswith("waiting"):
        raise NotReady(f"{path.stem} is {state['state']}")
    return state
