"""Kafka's topics, and which user may do what with them."""

from __future__ import annotations

from dataclasses import replace

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.errors import TopicAlreadyExistsError

from ecommerce.config import Settings
from ecommerce.live.keys import KEEP_DAY

ADMIN = "admin"
READ, WRITE = ACLOperation.READ, ACLOperation.WRITE
TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP


def rights(settings: Settings) -> list[tuple[str, ACLOperation, ResourceType, str]]:
    """(user, operation, kind, name) of everything that is allowed; reading and writing allow describing."""
    events, letters = settings.kafka_topic, settings.kafka_dlq_topic
    return [
        ("producer", WRITE, TOPIC, events),
        ("consumer", READ, TOPIC, events),
        ("consumer", WRITE, TOPIC, letters),
        ("consumer", READ, TOPIC, letters),
        ("consumer", READ, GROUP, f"{events}.live"),
        ("operator", READ, TOPIC, letters),
        ("operator", WRITE, TOPIC, letters),
        ("operator", WRITE, TOPIC, events),
        ("archiver", READ, TOPIC, events),
        ("archiver", READ, GROUP, f"{events}.archiver"),
    ]


def prepare(settings: Settings) -> None:
    """Make the events topic and the dead-letter topic where they are missing, and allow what :func:`rights` lists."""
    client = KafkaAdminClient(**replace(settings, kafka_user=ADMIN).kafka_options)
    try:
        # A rebuild of the live state takes the refused records from here: they are kept as long as it keeps a day.
        letters = {settings.kafka_dlq_topic: {"retention.ms": str(KEEP_DAY * 1000)}}
        _create(client, {settings.kafka_topic: settings.kafka_partitions, settings.kafka_dlq_topic: 1}, letters)
        client.create_acls([_acl(*right) for right in rights(settings)])
    finally:
        client.close()


def _create(client: KafkaAdminClient, wanted: dict[str, int], configs: dict[str, dict[str, str]]) -> None:
    known = client.list_topics()
    missing = {
        name: {"num_partitions": number, "replication_factor": 1, "configs": configs.get(name, {})}
        for name, number in wanted.items()
        if name not in known
    }
    try:
        if missing:
            client.create_topics(missing, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        client.wait_for_topics(list(wanted))


def _acl(user: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
