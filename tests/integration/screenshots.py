"""Makes the pictures of docs/images anew: ``make screenshots``. Each page in light, dark and phone width, of a made-up shop."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import browsing
import year
from playwright.sync_api import Browser, Page

from ecommerce.config import PROJECT_DIR
from ecommerce.shops import Shop

SHOP = Shop("harbour", "Harbour & Pine", "Europe/London", "GBP")
IMAGES = PROJECT_DIR / "docs" / "images"
MOST_BYTES = 2_000_000
PAGES = {
    "live": "/",
    "sales": "/sales",
    "products": "/products",
    "product": "/products/HP-1003",
    "customers": "/customers",
    "funnel": "/funnel",
}
MODES = {
    "light": ({"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}, PAGES),
    "dark": ({"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"}, ("live", "sales", "customers", "funnel")),
    "phone": ({"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True}, PAGES),
}
"""The browser's options by mode, and the pages whose picture is kept."""


def shoot(page: Page, at: str, name: str, mode: str) -> None:
    """The first screen of a page, once its charts are drawn."""
    page.goto(f"{at}{PAGES[name]}")
    page.evaluate("document.cookie = 'firststeps=hidden; path=/'")
    page.goto(f"{at}{PAGES[name]}")
    page.wait_for_function("document.querySelector('[data-chart]') === null || Object.keys(Chart.instances).length > 0")
    page.wait_for_timeout(1200 if name == "live" else 300)
    page.screenshot(path=str(IMAGES / f"{name}-{mode}.png"), full_page=False)


def shoot_all(browser: Browser, at: browsing.Dashboard) -> None:
    cookies = browsing.sign_in(browser, at)
    for mode, (options, names) in MODES.items():
        context = browser.new_context(storage_state=cookies, locale="en-GB", reduced_motion="reduce", **options)
        for name in names:
            shoot(context.new_page(), at.url, name, mode)
        context.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with ExitStack() as stack:
        _, environ = stack.enter_context(year.platform(Path(stack.enter_context(tempfile.TemporaryDirectory())), SHOP))
        at, browser = stack.enter_context(browsing.dashboard(environ)), stack.enter_context(browsing.chromium())
        shoot_all(browser, at)
    size = sum(image.stat().st_size for image in IMAGES.glob("*.png"))
    print(f"{len(list(IMAGES.glob('*.png')))} pictures in docs/images, {size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        sys.exit(f"docs/images holds {size} bytes, more than {MOST_BYTES}: make fewer or smaller pictures")


if __name__ == "__main__":
    main()
