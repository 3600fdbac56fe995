"""The Live page in real Chromium: what goes into Kafka shows without a reload."""

import os
from datetime import UTC, datetime

import browsing
import pytest
import uuid_utils
from kafka import KafkaProducer
from playwright.sync_api import expect

from ecommerce.events import Event, Item, encode

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(dashboard, platform):
    return browsing.Dashboard(dashboard, dict(os.environ))


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


def test_a_purchase_shows_on_the_live_page_without_a_reload(opened, kafka, consumer):
    page = opened("/?shop=demo")
    expect(page.locator("#link")).to_contain_text("Connected")
    page.evaluate("window.sameDocument = true")
    send(kafka, purchase("19.90", 2), purchase("5.00", 1))
    expect(page.locator("#answer-orders")).to_have_text("2 orders", timeout=30_000)
    expect(page.locator("#answer-net")).to_contain_text("44.80")
    expect(page.locator("#live-products")).to_contain_text("Mug <b>of the browser</b>")
    assert page.evaluate("window.sameDocument") is True


@pytest.mark.parametrize("path", ["/?shop=demo", "/sales?shop=demo"])
def test_the_page_fits_a_phone_and_works_in_the_dark(opened, path):
    page = opened(path, viewport={"width": 390, "height": 844}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_keyboard_reaches_the_numbers_first(opened):
    page = opened("/sales?shop=demo")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the numbers")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("id", "main")


def test_an_empty_warehouse_says_what_to_do(opened):
    expect(opened("/sales?shop=newcomer").locator("main")).to_contain_text("ecommerce etl")
