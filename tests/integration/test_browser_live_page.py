"""The Live page in real Chromium: what goes into Kafka shows without a reload."""

import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import uuid_utils
from kafka import KafkaProducer
from playwright.sync_api import Page, expect, sync_playwright

from ecommerce.config import PROJECT_DIR
from ecommerce.events import Event, Item, encode

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, dashboard) -> Page:
    """A page that is signed in by a one-time link; anything on its console is a failure."""
    manage = PROJECT_DIR / "django_app" / "manage.py"
    printed = subprocess.run([sys.executable, str(manage), "login_link"], capture_output=True, text=True, check=True).stdout
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(re.search(r"http\S+", printed)[0])
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()
    assert complaints == []


def purchase(price: str, quantity: int) -> Event:
    return Event(
        event_id=str(uuid_utils.uuid7()), shop_id="demo", event_name="purchase", event_time=datetime.now(UTC), client_id="c1",
        session_id="s1", currency="EUR", schema_version=1, transaction_id=str(uuid_utils.uuid7()), country="DE", device="mobile",
        channel="Email", items=[Item("browser-mug", price, quantity, item_name="Mug <b>of the browser</b>")],
    )  # fmt: skip


def send(kafka, *events: Event) -> None:
    producer = KafkaProducer(**kafka.kafka_options, acks="all")
    for event in events:
        producer.send(kafka.kafka_topic, key=event.key, value=encode(event)).get(30)
    producer.close()


def test_a_purchase_shows_on_the_live_page_without_a_reload(page, dashboard, kafka, consumer):
    page.goto(f"{dashboard}/?shop=demo")
    expect(page.locator("#link")).to_contain_text("Connected")
    page.evaluate("window.sameDocument = true")
    send(kafka, purchase("19.90", 2), purchase("5.00", 1))
    expect(page.locator("#answer-orders")).to_have_text("2 orders", timeout=30_000)
    expect(page.locator("#answer-net")).to_contain_text("44.80")
    expect(page.locator("#live-products")).to_contain_text("Mug <b>of the browser</b>")
    assert page.evaluate("window.sameDocument") is True


def test_the_page_fits_a_phone_and_works_in_the_dark(page, dashboard):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    for path in ("/?shop=demo", "/sales?shop=demo"):
        page.goto(dashboard + path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_keyboard_reaches_the_numbers_first(page, dashboard):
    page.goto(f"{dashboard}/sales?shop=demo")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the numbers")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("id", "main")


def test_an_empty_warehouse_says_what_to_do(page, dashboard):
    page.goto(f"{dashboard}/sales?shop=newcomer")
    expect(page.locator("main")).to_contain_text("ecommerce etl")
