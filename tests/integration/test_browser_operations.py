"""Real Chromium: live numbers, notices, a server that is killed, signing out, Data, administration; and nothing on the console."""

import json
from datetime import UTC, datetime

import browsing
import pytest
import redis
import uuid_utils
from kafka import KafkaProducer
from playwright.sync_api import expect
from waiting import wait_until

from ecommerce import notices
from ecommerce.events import Event, Item, encode

pytestmark = pytest.mark.browser
SHOP = "newcomer"


@pytest.fixture
def address(postgres, redis_server):
    """A dashboard of the test's own, which it may kill."""
    with browsing.dashboard() as found:
        yield found


@pytest.fixture
def opened(chromium, address):
    with browsing.opener(chromium, address, browsing.sign_in(chromium, address)) as open_page:
        yield open_page


def sell(kafka, price: str, country: str) -> None:
    """One purchase through Kafka."""
    event = Event(
        event_id=str(uuid_utils.uuid7()), shop_id=SHOP, event_name="purchase", event_time=datetime.now(UTC), client_id="c", session_id="s",
        currency="EUR", schema_version=1, transaction_id=str(uuid_utils.uuid7()), country=country, device="mobile", channel="Email",
        items=[Item("mug", price, 1, item_name="Mug")],
    )  # fmt: skip
    producer = KafkaProducer(**kafka.kafka_options, acks="all")
    producer.send(kafka.kafka_topic, key=event.key, value=encode(event)).get(20)
    producer.close()


def test_live_numbers_come_back_after_the_server_was_killed(opened, address, kafka, consumer):
    page = opened(f"/?shop={SHOP}")
    expect(page.locator("#link")).to_contain_text("Connected")
    sell(kafka, "19.90", "DE")
    country = page.locator("[data-breakdown=country]")
    expect(country).to_contain_text("DE", timeout=20_000)
    expect(country).to_contain_text("19.90")
    address.kill()
    expect(page.locator("#lost")).to_be_visible(timeout=20_000)
    expect(page.locator("#lost")).to_contain_text("Numbers below stand as of then")
    sell(kafka, "5.00", "AT")
    address.start()
    expect(page.locator("#lost")).to_be_hidden(timeout=30_000)
    expect(country).to_contain_text("AT", timeout=20_000)


def test_a_published_day_loads_the_content_anew_without_a_reload(opened, redis_server):
    client = redis.Redis(**redis_server.redis_options)
    page = opened(f"/sales?shop={SHOP}")
    page.evaluate("window.sameDocument = true; document.getElementById('main').dataset.old = '1'")
    page.evaluate("document.querySelector('#main h1').textContent = 'stale'")
    wait_until(lambda: client.pubsub_numsub(notices.CHANNEL)[0][1], "the bridge")
    wait_until(lambda: client.keys("ecommerce:channels:group:notices"), "the group")
    notices.publish(client, "day_published", SHOP, date="2026-01-05", state="final")
    expect(page.locator("#toasts")).to_contain_text("2026-01-05 is final now", timeout=20_000)
    expect(page.locator("#main h1")).to_have_text("Sales")
    assert page.evaluate("window.sameDocument") is True


def test_signing_out_elsewhere_leads_the_live_page_to_the_sign_in(opened, address):
    page = opened(f"/?shop={SHOP}")
    expect(page.locator("#link")).to_contain_text("Connected")
    other = page.context.new_page()
    other.goto(f"{address.url}/sales?shop={SHOP}")
    other.get_by_role("button", name="Account of").click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=20_000)


def test_the_data_page_fits_a_phone_whatever_its_programs_report(opened, platform):
    report = platform.var_dir / "run" / "archiver.heartbeat"
    report.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "at": datetime.now(UTC).isoformat(),
        "state": "x" * 300,
        "incident": "y" * 300,
        "message": "/a/folder" * 40,
        "since": datetime.now(UTC).isoformat(),
    }
    report.write_text(json.dumps(said), encoding="utf-8")
    try:
        page = opened(f"/data?shop={SHOP}", viewport={"width": 390, "height": 844})
        for box in ("Kafka", "Redis", "Spark", "PostgreSQL", "Airflow"):
            expect(page.locator(".pipe")).to_contain_text(box)
        expect(page.get_by_role("button", name="Run the day")).to_be_visible()
        expect(page.locator("main")).to_contain_text("y" * 300)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        report.unlink()


def test_administration_works_under_its_policy(opened, address):
    page = opened("/admin/auth/user/")
    expect(page.locator("#content")).to_contain_text("admin")
    page.goto(f"{address.url}/admin/analytics/shopdisplay/")
    expect(page.locator("#content")).to_contain_text("uci")
