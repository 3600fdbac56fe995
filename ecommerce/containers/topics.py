"""Kafka's topics, and which user may do what with them."""

from __future__ import annotations

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from ecommerce.config import Settings
from ecommerce.local.kafka import create_topics

READ, WRITE = ACLOperation.READ, ACLOperation.WRITE
TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP


def rights(settings: Settings) -> list[tuple[str, ACLOperation, ResourceType, str]]:
    """(user, operation, kind, name) of everything that is allowed; reading and writing allow describing."""
    events, letters = settings.kafka_topic, settings.kafka_dlq_topic
    return [
        ("producer", WRITE, TOPIC, events),
        ("consumer", READ, TOPIC, events),
        ("consumer", WRITE, TOPIC, letters),
        ("consumer", READ, GROUP, f"{events}.live"),
        ("archiver", READ, TOPIC, events),
        ("archiver", READ, GROUP, f"{events}.archiver"),
    ]


def prepare(settings: Settings) -> None:
    """Make the topics that are missing, and allow what :func:`rights` lists."""
    create_topics(settings)
    client = KafkaAdminClient(**settings.kafka_options)
    try:
        client.create_acls([_acl(*right) for right in rights(settings)])
    finally:
        client.close()


def _acl(user: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
