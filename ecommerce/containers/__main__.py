"""``python -m ecommerce.containers VERB``: what docker-compose.yml calls. Each verb imports only what it needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ecommerce.config import ConfigError, settings


def _init() -> None:
    from ecommerce.containers import secrets

    secrets.prepare(settings())


def _kafka_users(broker_data: str) -> None:
    from ecommerce import kafka_users

    records = json.loads((settings().secrets_dir / "kafka_users.json").read_text(encoding="utf-8"))
    changed = kafka_users.write(settings(), records, Path(broker_data))
    print(f"Kafka's users in ZooKeeper: {', '.join(records)} ({len(changed)} written)")


def _topics() -> None:
    from ecommerce import topics

    topics.prepare(settings())
    print(f"Kafka: topics {settings().kafka_topic} and {settings().kafka_dlq_topic}, {len(topics.rights(settings()))} rights")


def _roles() -> None:
    import psycopg
    from psycopg import sql

    from ecommerce.local.postgres import create_roles

    create_roles(settings())
    with psycopg.connect(settings().postgres_dsn("admin")) as connection:  # the server's first start made it as its own
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO owner").format(sql.Identifier(settings().postgres_database)))
    print("PostgreSQL: roles and databases are there")


def _spark(program: str) -> None:
    from ecommerce.containers import spark

    programs = {"connect": spark.connect_server, "master": spark.master, "worker": spark.worker}
    programs[program](settings())


def _forward(listen: str, target: str) -> None:
    from ecommerce.containers import forward

    forward.run(int(listen), target)


def _secrets() -> None:
    from ecommerce.local import secret_files

    secret_files.make(settings().secrets_dir)


VERBS = {"init": _init, "kafka-users": _kafka_users, "topics": _topics, "roles": _roles, "spark": _spark}
VERBS |= {"forward": _forward, "secrets": _secrets}


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in VERBS:
        sys.exit(f"usage: python -m ecommerce.containers {{{','.join(VERBS)}}} ...")
    try:
        VERBS[arguments[0]](*arguments[1:])
    except ConfigError as problem:
        sys.exit(f"error: {problem}")


if __name__ == "__main__":
    main(sys.argv[1:])
