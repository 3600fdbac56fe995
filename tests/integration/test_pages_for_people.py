"""Every page over a year of data in real Chromium, for people: accessible, by keyboard alone, on a phone, light, and standing still."""

import browsing
import psycopg
import pytest
import year
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PAGES = ("/", "/sales", "/sales?range=yesterday", "/products", "/products/HP-1003", "/customers", "/funnel", "/data", "/report")
MOST_BYTES = 300_000
REACHABLE = """[...document.querySelectorAll("a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, [tabindex='0']")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true })).map((one, i) => { one.dataset.stop = i; return i; })"""
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return [one.dataset.stop === undefined ? null : Number(one.dataset.stop), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
}"""


@pytest.fixture(scope="module")
def address(year_dashboard):
    return year_dashboard


@pytest.fixture(scope="module")
def customer(year_servers) -> str:
    """The address of the best customer's page."""
    with psycopg.connect(year_servers[0].postgres_dsn("web")) as connection:
        sql = "SELECT customer_key FROM warehouse.dim_customer WHERE shop_id = %s ORDER BY lifetime_revenue DESC LIMIT 1"
        return f"/customers/{connection.execute(sql, [year.SHOP.shop_id]).fetchone()[0]}"


def found_by_axe(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(opened, address, scheme, customer):
    page = opened("/sales", color_scheme=scheme, reduced_motion="reduce")
    found = {}
    for path in (*PAGES, customer, "/sales?shop=newcomer", "/data?shop=newcomer", "/account/password"):
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


def test_the_style_page_is_for_debugging_alone_and_accessible(opened, address, chromium, signed_in):
    with browsing.dashboard(address.environ, ECOMMERCE_DEBUG="true") as debugging:
        context = chromium.new_context(storage_state=signed_in, reduced_motion="reduce")
        page = context.new_page()
        page.goto(f"{debugging.url}/styleguide")
        expect(page.get_by_role("heading", level=1)).to_have_text("Style guide")
        assert found_by_axe(page) == []
        context.close()
    assert opened("/sales").request.get(f"{address.url}/styleguide").status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_pages_of_strangers_and_of_errors(chromium, address, signed_in, scheme):
    found = {}
    for state, path in ((None, "/signin"), (None, "/login/no-such-link"), (signed_in, "/no-such-page"), (signed_in, "/sales?range=custom")):
        context = chromium.new_context(storage_state=state, color_scheme=scheme)
        page = context.new_page()
        page.goto(address.url + path)
        if problems := found_by_axe(page):
            found[path] = problems
        context.close()
    assert found == {}


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything_and_the_focus_is_seen(opened, path):
    page = opened(path, reduced_motion="reduce")
    wanted, reached, unseen = set(page.evaluate(REACHABLE)), set(), set()
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        stop, seen = page.evaluate(FOCUSED)
        if stop is None:
            break
        reached.add(stop)
        unseen |= set() if seen else {stop}
    told = "(stops) => stops.map((stop) => document.querySelector(`[data-stop='${stop}']`).outerHTML.slice(0, 160))"
    assert page.evaluate(told, sorted(wanted - reached)) == []
    assert page.evaluate(told, sorted(unseen)) == []


def test_nothing_that_is_seen_moves_while_live_figures_do(opened, year_servers):
    """A twentieth of what counts as steady: the last digit of a column that widens may move a hair. Traffic flows already:
    the note that none arrives, when it goes, lets what is below it move up."""
    year.sell(year_servers[0], year.SHOP)
    page = opened("/", viewport={"width": 1440, "height": 900})
    expect(page.locator("#link")).to_contain_text("Connected")
    page.evaluate("""() => {
      window.moved = [];
      const told = (one) => ({ value: one.value, of: one.sources.map((source) => source.node?.outerHTML?.slice(0, 120)) });
      new PerformanceObserver((list) => window.moved.push(...list.getEntries().map(told))).observe({ type: "layout-shift", buffered: true });
    }""")
    for number in range(8):
        before = page.locator("#answer-orders").inner_text()
        year.sell(year_servers[0], year.SHOP, price=f"{10 ** (number % 5)}.99")
        expect(page.locator("#answer-orders")).not_to_have_text(before)
    moved = page.evaluate("window.moved")
    assert sum(one["value"] for one in moved) < 0.005, moved


def test_reduced_motion_stops_all_movement(opened):
    page = opened("/", reduced_motion="reduce")
    expect(page.locator("#link")).to_contain_text("Connected")
    assert page.evaluate("document.getAnimations().length") == 0
