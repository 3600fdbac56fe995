"""Pages as Chromium shows them: first content, what is transferred with an empty cache, and how far things move; Live while its figures do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import browsing
import year
from playwright.sync_api import Browser, Page
from waiting import wait_until

from ecommerce.config import Settings
from ecommerce.shops import Shop

ROUNDS, SALES = 3, 12
FIRST_MS, MOST_KB = 1000, 300
WATCH = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.shift += one.value; })).observe({ type: "layout-shift", buffered: true });
}"""
FIRST = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True)
class Seen:
    """A page: milliseconds to its first content and to its load, kilobytes (1,000 bytes) transferred, and the sum of its layout shifts."""

    path: str
    first_ms: float
    load_ms: float
    kilobytes: float
    shift: float

    def row(self) -> str:
        return f"| `{self.path}` | {self.first_ms:.0f} | {self.load_ms:.0f} | {self.kilobytes:.0f} | {self.shift:.3f} |"


def look(environ: dict[str, str], settings: Settings, shop: Shop, paths: Sequence[str]) -> list[Seen]:
    """Each page, the middle of ROUNDS; a dashboard and a browser of its own."""
    with browsing.dashboard(environ) as at, browsing.chromium() as browser:
        cookies = browsing.sign_in(browser, at)
        seen = []
        for path in paths:
            rounds = [once(browser, cookies, at.url, path, settings, shop) for _ in range(ROUNDS)]
            figures = (median(getattr(one, name) for one in rounds) for name in ("first_ms", "load_ms", "kilobytes"))
            seen.append(Seen(path, *figures, max(one.shift for one in rounds)))
        return seen


def once(browser: Browser, cookies: dict, url: str, path: str, settings: Settings, shop: Shop) -> Seen:
    """A page in a new context, its cache empty."""
    context = browser.new_context(storage_state=cookies, locale="en-GB", viewport={"width": 1440, "height": 900})
    page, sizes = context.new_page(), []
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    if path == "/":
        year.sell(settings, shop)  # traffic flows already: the note that none arrives, when it goes, lets what is below it move up
    page.goto(f"{url}{path}", wait_until="load")
    page.evaluate(WATCH)
    # Asked from outside: the page's policy lets no string become code, which Playwright's own waiting needs.
    wait_until(lambda: page.evaluate(f"{FIRST} !== undefined"), f"the first content of {path}")
    if path == "/":
        trade(page, settings, shop)
    load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    found = Seen(path, page.evaluate(FIRST), load, sum(sizes) / 1000, page.evaluate("window.shift"))
    context.close()
    return found


def trade(page: Page, settings: Settings, shop: Shop) -> None:
    """SALES orders, each seen on the page before the next."""
    wait_until(lambda: "Connected" in page.locator("#link").inner_text(), "the connection of the live page")
    orders = page.locator("#answer-orders")
    for _ in range(SALES):
        before = orders.inner_text()
        year.sell(settings, shop)
        wait_until(lambda before=before: orders.inner_text() != before, "an order on the live page")


def told(seen: list[Seen]) -> list[str]:
    """The table and its verdicts."""
    slowest, heaviest, moved = (max(getattr(one, name) for one in seen) for name in ("first_ms", "kilobytes", "shift"))
    return [
        f"In Chromium with an empty cache, 1440 by 900, middle of {ROUNDS} visits (shift: the worst); Live while traffic flows and {SALES} orders come in (when the first event ends a silence, the note about it goes, and what is below it moves up).", "",
        "| Page | First content, ms | Loaded, ms | Transferred, KB | Layout shift |", "|---|---:|---:|---:|---:|",
        *(one.row() for one in seen), "",
        f"- First content under {FIRST_MS / 1000:.0f} s: {'yes' if slowest < FIRST_MS else 'NO'} ({slowest:.0f} ms)",
        f"- Under {MOST_KB} KB transferred: {'yes' if heaviest < MOST_KB else 'NO'} ({heaviest:.0f} KB)",
        f"- No layout shift, also while figures move: {'yes' if moved < 0.001 else 'NO'} ({moved:.3f})",
    ]  # fmt: skip
