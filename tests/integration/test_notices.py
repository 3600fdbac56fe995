"""Notices on real Redis: what is published is what a listener reads."""

from datetime import date

import pytest
import redis

from ecommerce import notices


@pytest.fixture
def client(redis_server) -> redis.Redis:
    return redis.Redis(**redis_server.redis_options)


def heard(inbox) -> notices.Notice:
    while (message := inbox.get_message(timeout=10)) is None or message["type"] != "message":
        assert message is not None, "no notice within 10 s"
    return notices.read(message["data"])


def test_a_notice_is_read_as_it_was_published(client):
    with client.pubsub() as inbox:
        inbox.subscribe(notices.CHANNEL)
        assert inbox.get_message(timeout=10)["type"] == "subscribe"
        assert notices.publish(client, "day_published", "demo", date=date(2026, 11, 22), state="final") == 1
        notice = heard(inbox)
    assert (notice.kind, notice.shop_id, notice.details) == ("day_published", "demo", {"date": "2026-11-22", "state": "final"})
    assert notice.at.tzinfo is not None


def test_two_notices_are_told_apart(client):
    with client.pubsub() as inbox:
        inbox.subscribe(notices.CHANNEL)
        for _ in range(2):
            notices.publish(client, "alert", message="the disk is full")
        assert heard(inbox).id != heard(inbox).id


def test_an_unknown_kind_is_refused(client):
    with pytest.raises(ValueError, match="day_published"):
        notices.publish(client, "dayPublished")


def test_the_batch_run_may_publish(redis_server, client):
    options = redis_server.redis_options | {"username": "etl", "password": redis_server.secret("redis_etl_password")}
    assert notices.publish(redis.Redis(**options), "rebuild", "demo", percent=40) == 0
