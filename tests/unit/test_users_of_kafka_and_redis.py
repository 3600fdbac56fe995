"""Sign-in to Kafka and Redis: what clients are given, and what the servers keep."""

import base64
import hashlib
import hmac

import pytest

from ecommerce import kafka_users, redis_users
from ecommerce.config import NOBODY, Settings
from ecommerce.local import secret_files


@pytest.fixture
def settings(tmp_path):
    secret_files.make(tmp_path / "secrets")
    return Settings(var_dir=tmp_path, kafka_user="producer", redis_user="web")


def test_a_client_signs_in_by_scram(settings):
    options = settings.kafka_options
    assert (options["security_protocol"], options["sasl_mechanism"]) == ("SASL_PLAINTEXT", "SCRAM-SHA-256")
    assert options["sasl_plain_username"] == "producer"
    assert options["sasl_plain_password"] == settings.secret("kafka_producer_password")
    assert "wrong password" in settings.kafka_awaited


def test_nobody_does_not_sign_in(tmp_path):
    settings = Settings(var_dir=tmp_path, kafka_user=NOBODY)
    assert not [name for name in settings.kafka_options if name.startswith(("sasl", "security"))]


def test_redis_is_asked_as_the_services_user(settings):
    assert settings.redis_options["username"] == "web"
    assert settings.redis_options["password"] == settings.secret("redis_web_password")


def test_a_record_checks_the_password_and_does_not_hold_it():
    record = kafka_users.record("producer", "correct horse")
    parts = dict(part.split("=", 1) for part in record.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", b"correct horse", base64.b64decode(parts["salt"]), int(parts["iterations"]))
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert base64.b64decode(parts["stored_key"]) == stored
    assert "horse" not in record
    assert record == kafka_users.record("producer", "correct horse")
    assert record != kafka_users.record("consumer", "correct horse")


def test_redis_keeps_digests_and_no_nameless_user(settings):
    lines = redis_users.acl(settings).splitlines()
    assert lines[0] == "user default off"
    assert {line.split()[1] for line in lines[1:]} == set(redis_users.RIGHTS)
    assert not any(settings.secret(f"redis_{user}_password") in "".join(lines) for user in redis_users.RIGHTS)
