"""Every page over a year of data in real Chromium: the same numbers everywhere, links that show the same, charts as tables and pictures."""

import csv
import re
from decimal import Decimal

import psycopg
import pytest
import year
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
DRAWN = ("/", "/sales", "/sales?range=yesterday", "/products", "/products/HP-1003", "/customers", "/funnel", "/data")
COLOURS = """(id) => {
  const canvas = EApicture.of(document.querySelector(`.card[aria-labelledby="${id}"]`)), { width, height } = canvas;
  const points = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
  return [width, height, new Set(points).size];
}"""


@pytest.fixture(scope="module")
def platform(year_servers):
    return year_servers


@pytest.fixture(scope="module")
def address(year_dashboard):
    return year_dashboard


def test_page_csv_and_sql_agree(opened, platform):
    page = opened("/products")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download Products").click()
        page.locator("#save-ranking").get_by_role("link", name="Table (CSV)").click()
    rows = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
    shown = page.locator("section[aria-labelledby=ranking] tbody tr").first
    with psycopg.connect(platform[0].postgres_dsn("web")) as connection:
        sql = """SELECT product_id, sum(net_revenue) FROM warehouse.mart_daily_product
                 WHERE shop_id = %s AND date BETWEEN %s::date - 28 AND %s::date - 1 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"""
        best, net = connection.execute(sql, [year.SHOP.shop_id, year.SHOP.today(), year.SHOP.today()]).fetchone()
    assert (rows[0]["product_id"], Decimal(rows[0]["net_revenue"])) == (best, net)
    expect(shown).to_contain_text(best)
    expect(shown).to_contain_text(f"£{net:,.2f}")


def test_the_choice_of_days_stays_between_pages_and_in_links(opened):
    page = opened("/sales?range=last-7-days&compare=year&grain=week")
    for name in ("Products", "Customers", "Funnel", "Sales"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.get_by_role("button", name="Days: Last 7 days")).to_be_visible()
        expect(page.get_by_role("button", name="Compare with: 52 weeks before")).to_be_visible()
        assert "grain=week" in page.url
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Live").click()
    page.get_by_role("button", name="Days: Today, live").click()
    page.locator("#ranges").get_by_role("link", name=re.compile("^Last 90 days")).click()
    page.wait_for_url("**/sales?*range=last-90-days*")


def test_products_are_searched_sorted_and_turned_by_keyboard(opened):
    page = opened("/products")
    page.get_by_role("searchbox").fill("kettle")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**search=kettle*")
    names = page.locator("section[aria-labelledby=ranking] tbody th").all_inner_texts()
    assert names
    assert all("kettle" in name for name in names)
    page.get_by_role("link", name="Units", exact=True).press("Enter")
    page.wait_for_url("**sort=units*")
    assert "search=kettle" in page.url
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Units")
    page.locator("section[aria-labelledby=ranking] tbody a").first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Enamel kettle")
    expect(page.get_by_role("heading", name="Names and prices")).to_be_visible()


def test_a_definition_shows_when_its_name_is_pointed_at_and_when_it_is_reached_by_keyboard(opened):
    page = opened("/customers")
    page.get_by_role("button", name="Repeat rate").hover()
    expect(page.locator("#def-repeat_rate")).to_be_visible()
    page.mouse.move(5, 500)
    expect(page.locator("#def-repeat_rate")).to_be_hidden()
    page.get_by_role("button", name="Customers", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.locator("#def-new_customers")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#def-new_customers")).to_be_hidden()


def test_charts_and_tables_speak_the_readers_numbers(opened):
    page = opened("/sales", locale="de-DE")
    expect(page.locator(".tile .value").first).to_contain_text(re.compile(r"^[\d.]+,\d\d\s£$"))
    assert page.evaluate("EA.format('GBP', 1234.5, true)").replace("\u00a0", " ") == "1.234,50 £"


def test_a_chart_is_read_as_a_table_saved_as_a_picture_and_seen_in_full(opened):
    page = opened("/customers")
    card = page.locator("section[aria-labelledby=returning]")
    card.get_by_role("button", name="Table").press("Enter")
    expect(card.locator("table")).to_be_visible()
    card.get_by_role("button", name="Chart").press("Enter")
    card.get_by_role("button", name=re.compile("^Download")).press("Enter")
    with page.expect_download() as waiting:
        card.get_by_role("button", name="Picture (PNG)").press("Enter")
    assert waiting.value.path().read_bytes().startswith(b"\x89PNG")
    card.get_by_role("button", name=re.compile("^Full screen")).press("Enter")
    page.wait_for_function("document.fullscreenElement !== null")


def test_the_report_is_a_sheet_of_tables(opened):
    page = opened("/report?range=yesterday")
    expect(page.get_by_role("heading", name="Ledger: from gross to net")).to_be_visible()
    assert page.locator("canvas").count() == 0
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


@pytest.mark.parametrize("path", DRAWN)
def test_every_chart_and_table_is_a_picture_with_its_colours_and_words(opened, path):
    page = opened(path)
    cards = page.evaluate("[...document.querySelectorAll('.card:has([data-act=png])')].map((card) => card.getAttribute('aria-labelledby'))")
    assert cards
    for card in cards:
        width, height, colours = page.evaluate(COLOURS, card)
        assert min(width, height) > 100, card
        assert colours > 8, card
    assert page.locator(".picture").count() == 0


def test_a_heat_map_and_a_funnel_are_read_as_plain_tables_and_saved_as_pictures(opened, address):
    page = opened("/customers")
    cohorts = page.locator("section[aria-labelledby=cohorts]")
    coloured = cohorts.locator("td.h6").first
    before = coloured.evaluate("(cell) => getComputedStyle(cell).backgroundColor")
    cohorts.get_by_role("button", name="Table", exact=True).press("Enter")
    assert coloured.evaluate("(cell) => getComputedStyle(cell).backgroundColor") != before
    cohorts.get_by_role("button", name="Chart", exact=True).press("Enter")
    assert coloured.evaluate("(cell) => getComputedStyle(cell).backgroundColor") == before
    cohorts.get_by_role("button", name=re.compile("^Download")).press("Enter")
    with page.expect_download() as waiting:
        cohorts.get_by_role("button", name="Picture (PNG)").press("Enter")
    assert waiting.value.suggested_filename == "retention-by-cohort.png"
    page.goto(f"{address.url}/funnel")
    steps = page.locator("section[aria-labelledby=steps]")
    steps.get_by_role("button", name="Table", exact=True).press("Enter")
    expect(steps.locator("svg.bar").first).to_be_hidden()


HOSTILE_NAME = """() => {
    const table = document.querySelector('#live-products'), text = ' =1+1\\u202e';
    const put = () => {
        const cell = table.querySelector('.name');
        if (cell.textContent !== text) cell.textContent = text;
    };
    new MutationObserver(put).observe(table, {childList: true, subtree: true, characterData: true});
    put();
}"""
"""The first product's name, whatever frames come meanwhile."""


def test_a_live_table_is_saved_with_exact_values_and_inert_names(opened, platform):
    page = opened("/")
    expect(page.locator("#link")).to_contain_text("Connected")
    page.evaluate(HOSTILE_NAME)
    card = page.locator("section[aria-labelledby=h-products]")
    card.get_by_role("button", name="Download Top products today").click()
    with page.expect_download() as waiting:
        card.get_by_role("button", name="Table (CSV)").click()
    head, first, *_ = csv.reader(waiting.value.path().read_text(encoding="utf-8").splitlines())
    assert head == ["Product", "Units", "Gross revenue"]
    assert first[0].startswith("'=1+1\ufffd")
    assert Decimal(first[2]).as_tuple().exponent == -4


def test_another_shop_is_chosen_in_the_header(opened):
    page = opened("/sales?range=last-7-days")
    page.get_by_role("button", name="Shop: Harbour & Pine").click()
    page.locator("#shops").get_by_role("link", name=re.compile("^Maison Lumen")).click()
    page.wait_for_url("**shop=newcomer*")
    assert "range=last-7-days" in page.url
    expect(page.locator("main")).to_contain_text("The warehouse has no day of Maison Lumen yet")
