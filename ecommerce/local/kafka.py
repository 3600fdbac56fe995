"""Kafka 3.9 and its ZooKeeper on the wheel's Java, and the platform's topics."""

from __future__ import annotations

from ecommerce.config import Settings
from ecommerce.local import jars, java, probes
from ecommerce.local.secret_files import write
from ecommerce.local.server import Server
from ecommerce.log_retention import ROLL_HOURS

JVM = ["-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"]
LOGGING = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
LOGGING += ["-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ssXXX"]
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}


def _java(settings: Settings, heap: str, main: str, config: str) -> list[str]:
    return [java.program(settings), f"-Xmx{heap}", *JVM, *LOGGING, "-cp", f"{jars.KAFKA.folder}/*", main, config]


def _properties(values: dict[str, object]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _prepare_zookeeper(settings: Settings) -> None:
    folder = settings.var_dir / "zookeeper"
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "dataDir": folder / "data",
        "clientPort": settings.zookeeper_port,
        "clientPortAddress": settings.host,
        "tickTime": 1000,
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "ruok,mntr",
        "autopurge.snapRetainCount": 3,
        "autopurge.purgeInterval": 24,
    }
    write(folder / "zookeeper.properties", _properties(values))


def zookeeper_server(settings: Settings) -> Server:
    """ZooKeeper, where Kafka keeps its cluster's state."""
    folder = settings.var_dir / "zookeeper"
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    return Server(
        name="zookeeper",
        command=_java(settings, "64m", main, str(folder / "zookeeper.properties")),
        cwd=folder,
        ready=lambda: probes.zookeeper(settings),
        env=ENVIRONMENT,
        prepare=lambda: _prepare_zookeeper(settings),
    )


def _prepare_kafka(settings: Settings) -> None:
    """Write the users into ZooKeeper, where the broker must find them, and the broker's configuration."""
    from ecommerce import kafka_users

    folder = settings.var_dir / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    passwords = {user: settings.secret(f"kafka_{user}_password") for user in kafka_users.USERS}
    kafka_users.write(settings, {user: kafka_users.record(user, password) for user, password in passwords.items()}, folder / "data")
    listener = f"SASL_PLAINTEXT://{settings.kafka_bootstrap.split(',')[0]}"
    values = {
        "broker.id": 1,
        "listeners": listener,
        "advertised.listeners": listener,
        "security.inter.broker.protocol": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
        "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": kafka_users.login(passwords[kafka_users.BROKER]),
        "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
        "super.users": f"User:{kafka_users.BROKER};User:{kafka_users.ADMIN}",
        "log.dirs": folder / "data",
        "zookeeper.connect": f"{settings.host}:{settings.zookeeper_port}",
        # A broker killed hard may only return when its old session has ended: keep that short.
        "zookeeper.session.timeout.ms": 6000,
        "zookeeper.connection.timeout.ms": 30000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "log.retention.hours": settings.kafka_retention_hours,
        "log.roll.hours": ROLL_HOURS,
        "log.cleaner.dedupe.buffer.size": 16 << 20,
        "log.segment.bytes": 128 << 20,
    }
    write(folder / "server.properties", _properties(values))


def _topics(settings: Settings) -> None:
    from ecommerce import topics

    topics.prepare(settings)


def kafka_server(settings: Settings) -> Server:
    """The broker, one node, with the platform's topics."""
    folder = settings.var_dir / "kafka"
    return Server(
        name="kafka",
        command=_java(settings, "256m", "kafka.Kafka", str(folder / "server.properties")),
        cwd=folder,
        ready=lambda: probes.kafka(settings),
        env=ENVIRONMENT,
        prepare=lambda: _prepare_kafka(settings),
        after=lambda: _topics(settings),
        stop_seconds=60,
    )
