"""Real Chromium: live numbers, notices, a server that is killed, signing out, the Data page; and nothing on the console."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import browsing
import pytest
import redis
import uuid_utils
from kafka import KafkaProducer
from playwright.sync_api import Page, expect
from waiting import answers, wait_until

from ecommerce import notices
from ecommerce.events import Event, Item, encode
from ecommerce.local import apps, servers

pytestmark = pytest.mark.browser
SHOP = "newcomer"


@pytest.fixture(scope="module")
def chromium():
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture
def server(postgres, redis_server, dashboard):
    """A dashboard of the test's own on another port, which it may kill: (start, address)."""
    port = servers.free_port()
    started: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        program = apps.django_server(postgres)
        command = [str(port) if part == str(postgres.dashboard_port) else part for part in program.command]
        environment = os.environ | {"ECOMMERCE_DASHBOARD_PORT": str(port), "ECOMMERCE_PUBLIC_URL": f"http://localhost:{port}"}
        started.append(subprocess.Popen([sys.executable, *command], cwd=program.cwd, env=environment))
        wait_until(lambda: answers(f"http://localhost:{port}/healthz"), "the dashboard")
        return started[-1]

    yield start, f"http://localhost:{port}"
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def page(chromium, server) -> Page:
    """A signed-in page; what the server's end itself puts on the console is expected, anything else is a failure."""
    start, address = server
    process = start()
    context = chromium.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    link = subprocess.run([sys.executable, browsing.MANAGE, "login_link"], capture_output=True, text=True, check=True).stdout.strip()
    page.goto(f"{address}/login/{link.rsplit('/', 1)[1]}")
    page.get_by_role("button", name="Sign in").click()
    page.process, page.start, page.address = process, start, address
    yield page
    context.close()
    assert [one for one in complaints if "ERR_CONNECTION_REFUSED" not in one] == []


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


def test_live_numbers_come_back_after_the_server_was_killed(page, kafka, consumer):
    page.goto(f"{page.address}/?shop={SHOP}")
    expect(page.locator("#link")).to_contain_text("Connected")
    sell(kafka, "19.90", "DE")
    country = page.locator("[data-breakdown=country]")
    expect(country).to_contain_text("DE", timeout=20_000)
    expect(country).to_contain_text("19.90")
    page.process.kill()
    page.process.wait()
    expect(page.locator("#lost")).to_be_visible(timeout=20_000)
    sell(kafka, "5.00", "AT")
    page.start()
    expect(page.locator("#lost")).to_be_hidden(timeout=30_000)
    expect(country).to_contain_text("AT", timeout=20_000)


def test_a_published_day_loads_the_content_anew_without_a_reload(page, redis_server):
    client = redis.Redis(**redis_server.redis_options)
    page.goto(f"{page.address}/sales?shop={SHOP}")
    page.evaluate("window.sameDocument = true; document.getElementById('main').dataset.old = '1'")
    page.evaluate("document.querySelector('#main h1').textContent = 'stale'")
    wait_until(lambda: client.pubsub_numsub(notices.CHANNEL)[0][1], "the bridge")
    wait_until(lambda: client.keys("ecommerce:channels:group:notices"), "the group")
    notices.publish(client, "day_published", SHOP, date="2026-01-05", state="final")
    expect(page.locator("#toasts")).to_contain_text("2026-01-05 is final now", timeout=20_000)
    expect(page.locator("#main h1")).to_have_text("Sales")
    assert page.evaluate("window.sameDocument") is True


def test_signing_out_elsewhere_leads_the_live_page_to_the_sign_in(page):
    page.goto(f"{page.address}/?shop={SHOP}")
    expect(page.locator("#link")).to_contain_text("Connected")
    other = page.context.new_page()
    other.goto(f"{page.address}/sales?shop={SHOP}")
    other.get_by_role("button", name="Account of").click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=20_000)


def test_the_data_page_shows_the_pipeline_and_fits_a_phone(page):
    page.goto(f"{page.address}/data?shop={SHOP}")
    for box in ("Kafka", "Redis", "Spark", "PostgreSQL", "Airflow"):
        expect(page.locator(".pipe")).to_contain_text(box)
    expect(page.get_by_role("button", name="Run the day")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
