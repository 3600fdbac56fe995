"""The live WebSocket on real Redis and Kafka: who may open it, and what comes over it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import redis
import uuid_utils
from kafka import KafkaProducer
from web import Browser, acknowledge, hear
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ecommerce.events import Event, encode

SHOP = "rees46"
SILENCE_SECONDS = 1.5


@pytest.fixture(scope="module")
def browser(dashboard) -> Browser:
    return Browser(dashboard).sign_in()


def visit(kafka, times: int = 1) -> None:
    """``times`` page views of the shop, acknowledged by Kafka."""
    producer = KafkaProducer(**kafka.kafka_options, acks="all")
    for _ in range(times):
        event = Event(
            event_id=str(uuid_utils.uuid7()), shop_id=SHOP, event_name="page_view", event_time=datetime.now(UTC), client_id="socket",
            session_id="socket", currency="USD", schema_version=1,
        )  # fmt: skip
        producer.send(kafka.kafka_topic, key=event.key, value=encode(event)).get(30)
    producer.close()


def views(message: dict) -> int:
    return message["snapshot"]["measures"]["page_views"]


def until(socket, wanted: int) -> dict:
    """Acknowledges message after message up to the one that shows ``wanted`` page views, which waits for its ack."""
    while views(message := hear(socket)) < wanted:
        acknowledge(socket, message)
    return message


def listen(socket) -> None:
    """Acknowledges everything until the socket closes."""
    while True:
        acknowledge(socket, hear(socket))


def test_a_stranger_is_refused(dashboard):
    with pytest.raises(InvalidStatus) as refused, Browser(dashboard).live(SHOP):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["https://attacker.example", "http://localhost:1", "null"])
def test_a_page_of_another_origin_is_refused(browser, origin):
    with pytest.raises(InvalidStatus) as refused, browser.live(SHOP, origin):
        pass
    assert refused.value.response.status_code == 403


def test_an_unknown_shop_is_refused(browser):
    with pytest.raises(InvalidStatus), browser.live("nobody"):
        pass


def test_the_current_snapshot_comes_first(browser):
    with browser.live(SHOP) as socket:
        message = hear(socket)
    assert message["type"] == "snapshot"
    assert message["snapshot"]["shop_id"] == SHOP


def test_an_event_in_kafka_comes_over_the_socket(browser, kafka, consumer):
    with browser.live(SHOP) as socket:
        first = hear(socket)
        acknowledge(socket, first)
        visit(kafka)
        assert views(until(socket, views(first) + 1)) == views(first) + 1


def test_a_slow_reader_gets_nothing_until_it_has_read_and_then_the_newest(browser, kafka, consumer):
    with browser.live(SHOP) as slow, browser.live(SHOP) as quick:
        first = hear(slow)
        visit(kafka, times=3)
        seen = hear(quick)
        for wanted in range(views(first), views(first) + 4):
            while views(seen) < wanted:
                acknowledge(quick, seen)
                seen = hear(quick)
        with pytest.raises(TimeoutError):
            hear(slow, SILENCE_SECONDS)
        acknowledge(slow, first)
        assert views(hear(slow)) == views(first) + 3


def test_nothing_is_sent_when_nothing_changed(browser, redis_server):
    """A notice without a change sends nothing; a minute that turns meanwhile is a change, so the silence is looked for again."""
    client = redis.Redis(**redis_server.redis_options)
    with browser.live("uci") as socket:
        message = hear(socket)
        for _ in range(3):
            acknowledge(socket, message)
            client.publish("ecommerce:changed", "uci")
            try:
                later = hear(socket, SILENCE_SECONDS)
            except TimeoutError:
                return
            assert later["snapshot"]["minutes"] != message["snapshot"]["minutes"]
            message = later
    pytest.fail("messages came without a change")


def test_redis_going_away_is_told_and_so_is_its_return(browser, redis_server):
    """Redis is made to hang, which for a reader is the same as gone."""
    with browser.live("uci") as socket:
        acknowledge(socket, hear(socket))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(redis.Redis(**redis_server.redis_options, socket_timeout=60).execute_command, "DEBUG", "SLEEP", "6")
            while (message := hear(socket))["type"] == "snapshot":
                acknowledge(socket, message)
            assert (message["type"], message["what"]) == ("outage", "Redis")
            acknowledge(socket, message)
            assert hear(socket)["type"] == "snapshot"


def test_a_ping_is_answered(browser):
    with browser.live("uci") as socket:
        hear(socket)
        socket.send('{"ping": 7}')
        assert hear(socket) == {"type": "pong", "ping": 7}


def test_a_malformed_message_closes_the_socket(browser):
    with browser.live("uci") as socket:
        hear(socket)
        socket.send("not json")
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)
    assert closed.value.rcvd.code == 4400


def test_signing_out_closes_the_sessions_sockets(dashboard):
    browser = Browser(dashboard).sign_in()
    page = browser.get("/")
    with browser.live("uci") as socket:
        acknowledge(socket, hear(socket))
        socket.send('{"ping": 1}')
        hear(socket)
        browser.post("/signout", page)
        with pytest.raises(ConnectionClosed) as closed:
            listen(socket)
    assert closed.value.rcvd.code == 4401
