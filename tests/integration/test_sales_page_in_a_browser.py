"""The Sales page in real Chromium: charts, keyboard, theme, phone, downloads; and nothing on its console."""

import re
from datetime import date, timedelta

import browsing
import pytest
from playwright.sync_api import expect
from sales_rows import SHOP, Warehouse

from ecommerce.shops import Shop

pytestmark = pytest.mark.browser
CLOCK = Shop(SHOP.shop_id, SHOP.name, SHOP.time_zone, SHOP.currency)


@pytest.fixture(scope="module")
def address(postgres, redis_server, tmp_path_factory):
    """A dashboard whose one shop has forty days of history."""
    shops = tmp_path_factory.mktemp("shops") / "shops.toml"
    shops.write_text(f'[{SHOP.shop_id}]\nname = "{SHOP.name}"\ntime_zone = "{SHOP.time_zone}"\ncurrency = "{SHOP.currency}"\n')
    warehouse = Warehouse(postgres)
    warehouse.clear()
    for back in range(2, 42):
        warehouse.day(CLOCK.today() - timedelta(days=back), gross=f"{1000 + back}.0000", adjustments="-1.00")
    with browsing.dashboard(ECOMMERCE_SHOPS_FILE=shops) as found:
        yield found
    warehouse.close()


@pytest.fixture
def opened(opened):
    """Opens /sales with a query."""
    return lambda query="", **options: opened(f"/sales?shop={SHOP.shop_id}{query}", **options)


def test_charts_are_drawn_from_their_tables(opened):
    page = opened()
    expect(page.locator("h1")).to_have_text("Sales")
    page.wait_for_function("Object.keys(Chart.instances).length === 4")
    shown = page.evaluate("Chart.getChart(document.querySelector('[aria-labelledby=day-net_revenue] canvas')).data.datasets[0].data")
    assert len(shown) == 28
    assert shown[-1] is None, "yesterday has no data: a gap, not zero"
    assert shown[-2] == pytest.approx(1002 * 0.85 - 1)


def test_the_table_takes_the_charts_place_by_keyboard(opened):
    card = opened().locator("[aria-labelledby=day-orders]")
    card.get_by_role("button", name="Table").press("Enter")
    expect(card.locator("table")).to_be_visible()
    expect(card.locator(".plot")).to_be_hidden()
    card.get_by_role("button", name="Chart").press("Enter")
    expect(card.locator("canvas")).to_be_visible()


def test_a_definition_opens_and_closes_by_keyboard_and_gives_focus_back(opened):
    page = opened()
    button = page.get_by_role("button", name="Conversion rate")
    button.press("Enter")
    expect(page.locator("#def-conversion_rate")).to_contain_text("a session counts on every shop-day in which it has an event")
    page.keyboard.press("Escape")
    expect(page.locator("#def-conversion_rate")).to_be_hidden()
    expect(button).to_be_focused()


def test_ranges_and_comparison_are_in_the_address(opened):
    page = opened()
    page.get_by_role("button", name="Compare with: The days before").press("Enter")
    page.locator("#comparisons").get_by_role("link", name="Nothing").press("Enter")
    page.wait_for_url("**compare=none*")
    expect(page.get_by_role("button", name="Compare with: Nothing")).to_be_visible()
    page.get_by_role("button", name="Days: Last 28 days").click()
    page.get_by_role("link", name="Last 7 days").click()
    page.wait_for_url("**range=last-7-days*")
    assert "compare=none" in page.url


def test_days_of_ones_own_are_chosen_in_the_menu(opened):
    page = opened()
    page.get_by_role("button", name="Days: Last 28 days").click()
    first, last = (CLOCK.today() - timedelta(days=back) for back in (10, 9))
    page.get_by_role("textbox", name="From").fill(first.isoformat())
    page.get_by_role("textbox", name="To").fill(last.isoformat())
    page.get_by_role("button", name="Show these days").click()
    expect(page.locator(".answer")).to_contain_text("net in 2 days")


def test_the_theme_stays_after_a_reload(opened):
    page = opened(color_scheme="light")
    button = page.get_by_role("button", name=re.compile("^Theme"))
    button.click()
    button.click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 19, 16)"


@pytest.mark.parametrize("width", [360, 820, 1440])
def test_nothing_scrolls_sideways(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_days_are_downloaded_as_csv(opened):
    page = opened()
    page.get_by_role("button", name="Download Days").click()
    with page.expect_download() as waiting:
        page.locator("#save-days").get_by_role("link", name="Table (CSV)").click()
    lines = waiting.value.path().read_text().splitlines()
    assert waiting.value.suggested_filename.startswith(f"{SHOP.shop_id}-daily-sales-")
    assert len(lines) == 29
    assert lines[1].startswith(f"{SHOP.shop_id},{date.fromisoformat(lines[1].split(',')[1])},final,batch,2,")
