"""Kafka and Redis let in who signs in, and each user does what its service needs and no more."""

import shutil

import pytest
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from ecommerce.config import Settings
from ecommerce.kafka_users import KafkaUsersError
from ecommerce.local import servers

pytestmark = pytest.mark.servers
QUICK = {"bootstrap_timeout_ms": 4000, "request_timeout_ms": 4000}


def options(settings: Settings, user: str) -> dict:
    return settings.kafka_options | {"sasl_plain_username": user, "sasl_plain_password": settings.secret(f"kafka_{user}_password")}


def test_a_wrong_password_is_refused(kafka):
    with pytest.raises(KafkaError):
        KafkaAdminClient(**options(kafka, "producer") | {"sasl_plain_password": "wrong"}, **QUICK)


def test_without_sign_in_nothing_is_answered(kafka):
    with pytest.raises(KafkaError):
        KafkaAdminClient(bootstrap_servers=kafka.kafka_options["bootstrap_servers"], **QUICK)


def test_the_producers_user_writes_events_and_reads_nothing(kafka):
    producer = KafkaProducer(**options(kafka, "producer"), acks="all")
    assert producer.send(kafka.kafka_topic, b"not an event").get(timeout=20).offset >= 0
    with pytest.raises(TopicAuthorizationFailedError):
        producer.send(kafka.kafka_dlq_topic, b"letter").get(timeout=20)
    producer.close()
    reader = KafkaConsumer(kafka.kafka_topic, **options(kafka, "producer"), group_id=f"{kafka.kafka_topic}.live", enable_auto_commit=False)
    with pytest.raises(KafkaError):
        reader.poll(timeout_ms=10_000)
    reader.close()


def as_user(settings: Settings, user: str) -> redis.Redis:
    return redis.Redis(**settings.redis_options | {"username": user, "password": settings.secret(f"redis_{user}_password")})


def test_redis_asks_for_a_user(redis_server):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(host=redis_server.redis_host, port=redis_server.redis_port).ping()


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("consumer", ("FLUSHALL",)),
        ("consumer", ("SET", "other", "1")),
        ("web", ("CONFIG", "GET", "dir")),
        ("etl", ("SET", "live:header", "1")),
        ("health", ("GET", "live:header")),
    ],
)
def test_a_redis_user_does_no_more_than_it_may(redis_server, user, command):
    with pytest.raises(redis.exceptions.NoPermissionError):
        as_user(redis_server, user).execute_command(*command)


def test_a_redis_user_does_what_its_service_needs(redis_server):
    assert as_user(redis_server, "health").ping()
    assert as_user(redis_server, "consumer").hset("live:1:test", "a", "1") == 1
    assert as_user(redis_server, "web").hget("live:1:test", "a") == b"1"
    assert as_user(redis_server, "etl").publish("ecommerce:notices", "{}") >= 0
    as_user(redis_server, "consumer").unlink("live:1:test")


def test_kafkas_data_beside_a_fresh_zookeeper_is_said_clearly(tmp_path):
    settings = servers.isolated_settings(tmp_path)
    with servers.running(settings, "kafka"):
        pass
    shutil.rmtree(settings.var_dir / "zookeeper" / "data")
    with servers.running(settings, "zookeeper"), pytest.raises(KafkaUsersError, match="ZooKeeper knows none"):
        servers.SERVERS["kafka"](settings).prepare()
