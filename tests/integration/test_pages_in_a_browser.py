"""Every page over a year of data in real Chromium: accessible, light, keyboard, phone, and the same numbers everywhere."""

import csv
import re
from decimal import Decimal

import browsing
import psycopg
import pytest
import year
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ecommerce.shops import Shop

pytestmark = pytest.mark.browser
SHOP = Shop("year-test", "Harbour & Pine", "Europe/London", "GBP")
PAGES = ("/", "/sales", "/sales?range=yesterday", "/products", "/products/HP-1003", "/customers", "/funnel", "/report")
MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """Servers of this module's own: the session's Redis counts another log."""
    with year.platform(tmp_path_factory.mktemp("year"), SHOP, daily=12) as found:
        yield found


@pytest.fixture(scope="module")
def address(platform):
    """A dashboard of one shop with a year of data and a running today."""
    with browsing.dashboard(platform[1]) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def signed_in(chromium, address):
    return browsing.sign_in(chromium, address)


@pytest.fixture
def opened(chromium, address, signed_in):
    """Opens an address; anything on the console is a failure."""
    contexts, complaints = [], []

    def open_page(path: str, **options) -> Page:
        contexts.append(chromium.new_context(storage_state=signed_in, locale=options.pop("locale", "en-GB"), **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def found_by_axe(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(opened, address, scheme):
    page = opened("/sales", color_scheme=scheme, reduced_motion="reduce")
    found = {}
    for path in PAGES:
        page.goto(address.url + path)
        if problems := found_by_axe(page):
            found[path] = problems
    assert found == {}


def test_axe_would_find_a_nameless_button(opened):
    page = opened("/sales")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(problem.startswith("button-name") for problem in found_by_axe(page))


def test_no_page_is_heavy_or_scrolls_sideways_on_a_phone(opened, chromium, signed_in, address):
    for path in PAGES:
        context = chromium.new_context(storage_state=signed_in, viewport={"width": 360, "height": 740}, has_touch=True)
        page, sizes = context.new_page(), []
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
        page.goto(address.url + path, wait_until="load")
        assert 10_000 < sum(sizes) < MOST_BYTES, path
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
        context.close()


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
        best, net = connection.execute(sql, [SHOP.shop_id, SHOP.today(), SHOP.today()]).fetchone()
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


def test_the_style_page_is_for_debugging_alone_and_accessible(opened, address, chromium, signed_in):
    with browsing.dashboard(address.environ, ECOMMERCE_DEBUG="true") as debugging:
        context = chromium.new_context(storage_state=signed_in, reduced_motion="reduce")
        page = context.new_page()
        page.goto(f"{debugging.url}/styleguide")
        expect(page.get_by_role("heading", level=1)).to_have_text("Style guide")
        assert found_by_axe(page) == []
        context.close()
    assert opened("/sales").request.get(f"{address.url}/styleguide").status == 404
