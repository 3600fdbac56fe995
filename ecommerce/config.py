"""Every setting of the platform: read from the environment, with a default and a loud error.

A setting is one field of :class:`Settings`; its environment variable is the field's name in
upper case behind ``ECOMMERCE_``. Secrets are files, one value a file, in ``secrets_dir``; they
are made by ``ecommerce up`` and never have a default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecommerce.errors import PlatformError

PROJECT_DIR = Path(__file__).resolve().parent.parent
PREFIX = "ECOMMERCE_"
NOBODY = "none"


class ConfigError(PlatformError):
    """A setting or secret is missing or malformed; the message names it and the remedy."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings:
    """All settings. Paths are absolute; ports are TCP ports on ``host``; sizes and times name their unit."""

    var_dir: Path = _setting(PROJECT_DIR / "var", "state of the local run: servers' data, logs, secrets")
    secrets_dir: Path = _setting(None, "folder of secret files (default: var_dir/secrets)")
    lake_dir: Path = _setting(PROJECT_DIR / "data" / "lake", "root of the data lake")
    static_dir: Path = _setting(None, "the dashboard's collected static files (default: var_dir/static)")
    shops_file: Path = _setting(PROJECT_DIR / "shops.toml", "the list of shops")

    host: str = _setting("127.0.0.1", "address on which every local server listens")
    postgres_host: str = _setting("127.0.0.1", "PostgreSQL server")
    postgres_port: int = _setting(5433, "PostgreSQL port")
    postgres_database: str = _setting("ecommerce", "database of the warehouse and the dashboard")
    redis_host: str = _setting("127.0.0.1", "Redis server")
    redis_port: int = _setting(6380, "Redis port")
    redis_user: str = _setting("admin", "Redis user, with the secret redis_<user>_password; none: no name, and the secret redis_password")
    zookeeper_host: str = _setting("127.0.0.1", "ZooKeeper server")
    zookeeper_port: int = _setting(2181, "ZooKeeper port")
    kafka_bootstrap: str = _setting("127.0.0.1:9092", "Kafka bootstrap servers, host:port[,host:port]")
    kafka_user: str = _setting("admin", "Kafka user, with the secret kafka_<user>_password; none: no sign-in")
    kafka_external_port: int = _setting(9094, "the containers' Kafka for programs on the host (profile tools)")
    kafka_topic: str = _setting("shop.events", "topic of shop events")
    kafka_dlq_topic: str = _setting("shop.events.dlq", "dead-letter topic")
    kafka_partitions: int = _setting(4, "partitions of the events topic when it is created")
    record_decoder: str = _setting("batches", "how the consumer decodes fetched records: batches (quick), client (kafka-python's own way)")
    kafka_retention_hours: int = _setting(168, "retention of the events topic, hours")
    spark_connect_host: str = _setting("", "Spark Connect server (default: host)")
    spark_connect_port: int = _setting(15002, "Spark Connect port of the local run")
    spark_ui_port: int = _setting(4040, "Spark UI port of the local run")
    spark_master: str = _setting("local[2]", "where the Connect server runs its tasks: local[n] or spark://host:port")
    spark_driver_memory: str = _setting("512m", "heap of the Spark Connect server; the whole of it takes up to 1.6 GiB more")
    spark_native_memory: str = _setting(
        "256m", "memory of Spark's native operators (Comet) outside the heap; what needs more goes to disk; 0: no Comet"
    )
    airflow_port: int = _setting(8080, "Airflow's web port")
    airflow_url: str = _setting("", "Airflow's address as the dashboard asks it (default: http://<host>:<airflow_port>)")
    dashboard_port: int = _setting(8000, "the dashboard's port")

    public_url: str = _setting("", "address of the dashboard as people open it (default: http://localhost:<port>)")
    api_rate: str = _setting("300/m", "requests of one user to /api/v1: a number a second, minute, hour or day, as in 300/m")
    trusted_proxies: int = _setting(0, "how many of our own proxies stand before the dashboard; X-Forwarded-For is believed that far")
    debug: bool = _setting(False, "Django's debug mode; never in production")
    tick_ms: int = _setting(250, "interval of live snapshots, milliseconds")
    login_link_minutes: int = _setting(30, "how long a one-time sign-in link is valid, minutes")

    producer_shop: str = _setting("demo", "shop that the producer service simulates")
    producer_rate: float = _setting(10.0, "events per second of the producer service")
    seed: int = _setting(42, "seed of the simulated shop")
    history_days: int = _setting(30, "days before the first start that the daily DAG catches up")
    shared_reports: bool = _setting(False, "workers of several hosts report into one folder: each report bears its host's name")
    uid: int = _setting(10001, "user id of the containers' services, owner of data/lake: a host user's own id, if wanted")

    freshness_hours: float = _setting(6.0, "hours after its end by which a scheduled shop's day must be final")
    disk_alert_percent: float = _setting(90.0, "a disk fuller than this is an alert, percent")
    lag_alert_records: int = _setting(10_000, "a worker further behind than this is an alert, records")
    quarantine_alert_rows: int = _setting(100, "more rows of a shop held back within 24 h are an alert")
    refused_alert_percent: float = _setting(1.0, "a greater share of today's live events refused is an alert, percent")

    keep_landing_days: int = _setting(365, "days that raw files stay in the lake after they landed; 0: for ever")
    keep_events_days: int = _setting(1095, "days that events stay in the lake after they were published; 0: for ever")
    keep_quarantine_days: int = _setting(90, "days that rows held back stay, in the lake and the warehouse; 0: for ever")
    keep_facts_days: int = _setting(
        0, "days that facts stay after they were published; what goes drops out of customers, cohorts and pairs; 0: for ever"
    )
    keep_runs_days: int = _setting(400, "days that runs without a published day and check results stay; 0: for ever")
    keep_logs_days: int = _setting(14, "days that logs of services and of Airflow's tasks stay; 0: for ever")
    keep_airflow_days: int = _setting(90, "days that Airflow's metadata of past runs stays; 0: for ever")
    keep_scratch_days: int = _setting(
        2, "days that Spark's work folders, and folders of the lake that no manifest names, stay when no job uses them; 0: for ever"
    )

    java_home: str = _setting("", "Java 17 or 21 to use instead of the one that comes with the platform")

    def __post_init__(self) -> None:
        if self.secrets_dir is None:
            object.__setattr__(self, "secrets_dir", self.var_dir / "secrets")
        if self.static_dir is None:
            object.__setattr__(self, "static_dir", self.var_dir / "static")
        if not self.spark_connect_host:
            object.__setattr__(self, "spark_connect_host", self.host)
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://localhost:{self.dashboard_port}")

    def secret(self, name: str) -> str:
        """The secret ``name``.

        Raises:
            ConfigError: its file is absent, unreadable or empty.
        """
        path = self.secrets_dir / name
        try:
            value = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise ConfigError(
                f"secret {name} is missing ({path}): run `make up` (or `docker-compose up init`) once, it makes all secrets"
            ) from None
        except PermissionError:
            raise ConfigError(f"secret {name} is not readable by this user ({path})") from None
        if not value:
            raise ConfigError(f"secret {name} is empty ({path}): remove the file and run `make up`")
        return value

    def postgres_dsn(self, role: str) -> str:
        """Connection URI of the warehouse database as ``role`` (admin, owner, loader, web or reader).

        Raises:
            ConfigError: the role's secret is missing.
        """
        user = "postgres" if role == "admin" else role
        password = quote(self.secret(f"postgres_{role}_password"), safe="")
        return f"postgresql://{user}:{password}@{self.postgres_host}:{self.postgres_port}/{self.postgres_database}"

    @cached_property
    def redis_options(self) -> dict[str, Any]:
        """Keyword arguments for ``redis.Redis``."""
        place = {"host": self.redis_host, "port": self.redis_port}
        if self.redis_user == NOBODY:
            return place | {"password": self.secret("redis_password")}
        return place | {"username": self.redis_user, "password": self.secret(f"redis_{self.redis_user}_password")}

    @property
    def kafka_name(self) -> str:
        """The brokers, for messages."""
        return f"Kafka at {self.kafka_bootstrap}"

    @property
    def kafka_awaited(self) -> str:
        """The brokers, for messages of a client that waits: a wrong password shows as a time-out alone."""
        hint = "" if self.kafka_user == NOBODY else f" (as user {self.kafka_user}; a wrong password looks like an absent Kafka)"
        return self.kafka_name + hint

    @cached_property
    def kafka_options(self) -> dict[str, Any]:
        """Keyword arguments that every kafka-python client shares."""
        # A broker that was away for a minute is found again at once, not half a minute later.
        options: dict[str, Any] = {"bootstrap_servers": self.kafka_bootstrap.split(","), "reconnect_backoff_max_ms": 1_000}
        if self.kafka_user != NOBODY:
            options |= {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256"}
            options |= {"sasl_plain_username": self.kafka_user, "sasl_plain_password": self.secret(f"kafka_{self.kafka_user}_password")}
        return options


def _convert(name: str, kind: str, text: str) -> Any:
    try:
        if kind == "bool":
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except (KeyError, ValueError):
        raise ConfigError(f"{PREFIX}{name.upper()}={text!r} is not a valid {kind}") from None
    return Path(text).expanduser().resolve() if kind == "Path" else text


def load(environ: dict[str, str] | os._Environ[str] = os.environ) -> Settings:
    """Settings from ``environ``.

    Raises:
        ConfigError: a variable behind ``ECOMMERCE_`` is unknown or its value malformed.
    """
    known = {f.name: f for f in fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable[len(PREFIX) :].lower()
        if name not in known:
            raise ConfigError(f"{variable} is not a setting of the platform (see docs/settings.md); remove or correct it")
        if text != "":
            values[name] = _convert(name, str(known[name].type), text)
    return Settings(**values)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return load()
