"""Notices from Redis to the sockets: each once, to the shop it concerns; a socket that says too much or is signed out is closed."""

import psycopg
import pytest
import redis
from web import PASSWORD, Browser, acknowledge, field, hear, sign_in_as
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ecommerce import notices


@pytest.fixture(scope="module")
def browser(dashboard) -> Browser:
    return Browser(dashboard).sign_in()


@pytest.fixture
def client(redis_server) -> redis.Redis:
    return redis.Redis(**redis_server.redis_options)


def publish(client: redis.Redis, kind: str, shop: str | None, **details) -> None:
    """Publishes once the dashboard listens: a hub that has just woken subscribes a moment later."""
    for _ in range(200):
        if client.pubsub_numsub(notices.CHANNEL)[0][1] and client.keys("ecommerce:channels:group:notices"):
            break
        client.ping()
    notices.publish(client, kind, shop, **details)


def notice(socket) -> dict:
    """The next notice; snapshots in between are acknowledged."""
    while (message := hear(socket))["type"] != "notice":
        acknowledge(socket, message)
    acknowledge(socket, message)
    return message["notice"]


def listen(socket) -> None:
    """Acknowledges everything until the socket closes."""
    while True:
        acknowledge(socket, hear(socket))


def test_a_stranger_hears_nothing(dashboard):
    with pytest.raises(InvalidStatus) as refused, Browser(dashboard).live("uci", name="notices"):
        pass
    assert refused.value.response.status_code == 403


def test_a_published_day_reaches_pages_and_the_live_page(browser, client):
    with browser.live("uci", name="notices") as page, browser.live("uci") as live:
        acknowledge(live, hear(live))
        publish(client, "day_published", "uci", date="2011-11-17", state="final")
        for socket in (page, live):
            heard = notice(socket)
            assert (heard["kind"], heard["shop_id"], heard["details"]) == ("day_published", "uci", {"date": "2011-11-17", "state": "final"})


def test_a_notice_of_another_shop_is_not_heard_and_one_of_all_shops_is(browser, client):
    with browser.live("uci", name="notices") as socket:
        publish(client, "day_published", "rees46", date="2019-10-01", state="final")
        publish(client, "alert", None, message="the disk is nearly full")
        assert notice(socket)["kind"] == "alert"


def test_a_notice_that_is_none_harms_nobody(browser, client):
    with browser.live("uci", name="notices") as socket:
        client.publish(notices.CHANNEL, b'{"kind": 7}')
        publish(client, "rebuild", "uci", percent=40)
        assert notice(socket)["details"] == {"percent": 40}


def test_signing_out_everywhere_closes_the_sockets_of_all_browsers(dashboard):
    first, second = sign_in_as(dashboard, "everywhere", "viewer"), Browser(dashboard)
    page = second.get("/signin")
    known = {"username": "everywhere", "password": PASSWORD, "csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken")}
    second.get("/signin", known)
    page = first.get("/")
    with second.live("uci") as socket:
        acknowledge(socket, hear(socket))
        first.get("/signout", {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "everywhere": "1"})
        with pytest.raises(ConnectionClosed) as closed:
            listen(socket)
    assert closed.value.rcvd.code == 4401
    assert "/signin" in second.get("/").url


def test_a_session_that_is_gone_closes_its_sockets_though_nobody_told(browser, postgres, dashboard):
    lost = Browser(dashboard).sign_in()
    key = next(cookie.value for cookie in lost.cookies if cookie.name == "sessionid")
    with lost.live("uci", name="notices") as socket:
        with psycopg.connect(postgres.postgres_dsn("web")) as connection:
            connection.execute("DELETE FROM analytics_browsersession WHERE session_key = %s", (key,))
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket, 60)
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize(("size", "code"), [(2_000, 4409), (200_000, None)])
def test_what_a_browser_may_say_is_small(browser, size, code):
    """The dashboard closes with 4409; of a frame that is too large for the server, it drops the connection without reading it."""
    with browser.live("uci", name="notices") as socket:
        socket.send("x" * size)
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)
    assert (closed.value.rcvd and closed.value.rcvd.code) == code
