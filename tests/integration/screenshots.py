"""Makes the pictures of docs/images anew: ``make screenshots``. Of a made-up shop with a year of data.

With a folder as its argument it puts every page there instead, whole, in light, dark and phone width, to be looked at.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import browsing
import year
from playwright.sync_api import Browser, Page

from ecommerce.config import PROJECT_DIR
from ecommerce.shops import Shop

SHOP = Shop("harbour", "Harbour & Pine", "Europe/London", "GBP", scheduled=True)
IMAGES = PROJECT_DIR / "docs" / "images"
MOST_BYTES = 2_000_000
PAGES = {
    "live": "/",
    "sales": "/sales",
    "day": "/sales?range=yesterday",
    "products": "/products",
    "product": "/products/HP-1030",
    "customers": "/customers",
    "funnel": "/funnel",
    "data": "/data",
    "report": "/report",
}
MODES = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
KEPT = {
    "light": ("live", "sales", "products", "customers", "funnel"),
    "dark": ("live", "sales", "customers"),
    "phone": ("live", "sales"),
}
"""The browser's options by mode, and the pages of which docs/images keeps the first screen."""


def shoot(page: Page, address: str, image: Path, whole: bool) -> None:
    """A page once its charts are drawn; its first screen, or the ``whole`` of it."""
    page.goto(address)
    page.wait_for_function("document.querySelector('[data-chart]') === null || Object.keys(Chart.instances).length > 0")
    page.wait_for_timeout(1200 if page.locator("#live-page").count() else 300)
    page.screenshot(path=str(image), full_page=whole)


def shoot_all(browser: Browser, at: browsing.Dashboard, folder: Path, whole: bool, traffic: Callable[[], None]) -> None:
    """Every picture; ``traffic`` comes before the Live page's."""
    cookies = browsing.sign_in(browser, at)
    cookies["cookies"].append({"name": "firststeps", "value": "hidden", "url": at.url})
    for mode, options in MODES.items():
        context = browser.new_context(storage_state=cookies, locale="en-GB", reduced_motion="reduce", **options)
        for name in PAGES if whole else KEPT[mode]:
            if name == "live":
                traffic()
            shoot(context.new_page(), f"{at.url}{PAGES[name]}", folder / f"{name}-{mode}.png", whole)
        context.close()


def main(folder: Path, whole: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        settings, environ = stack.enter_context(year.platform(Path(stack.enter_context(tempfile.TemporaryDirectory())), SHOP))
        began = datetime.now(UTC)
        year.operations(settings, SHOP)
        at, browser = stack.enter_context(browsing.dashboard(environ)), stack.enter_context(browsing.chromium())
        shoot_all(browser, at, folder, whole, lambda: print(f"{year.stream_today(settings, SHOP, began)} events more"))
    size = sum(image.stat().st_size for image in folder.glob("*.png"))
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}, {size / 1e6:.2f} MB")
    if size > MOST_BYTES and not whole:
        sys.exit(f"{folder} holds {size} bytes, more than {MOST_BYTES}: make fewer or smaller pictures")


if __name__ == "__main__":
    main(Path(sys.argv[1]), True) if len(sys.argv) > 1 else main(IMAGES, False)
