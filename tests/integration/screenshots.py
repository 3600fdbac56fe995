"""Makes the pictures of docs/images anew: ``make screenshots``. Each page in light, dark and phone width, of a made-up shop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import browsing
import year
from playwright.sync_api import Browser, Page

from ecommerce import config
from ecommerce.config import PROJECT_DIR
from ecommerce.local import servers
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
    "light": {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}


@contextmanager
def platform() -> Iterator[browsing.Dashboard]:
    """PostgreSQL with a year of the shop, Redis with its today, and a dashboard."""
    with tempfile.TemporaryDirectory() as folder:
        shops = Path(folder) / "shops.toml"
        shops.write_text(f'[{SHOP.shop_id}]\nname = "{SHOP.name}"\ntime_zone = "{SHOP.time_zone}"\ncurrency = "{SHOP.currency}"\n')
        settings = servers.isolated_settings(Path(folder), shops_file=shops)
        os.environ.update(servers.environment(settings), PYTHONPATH=str(PROJECT_DIR))
        config.settings.cache_clear()
        with servers.running(settings, "postgres", "redis"):
            subprocess.run([sys.executable, str(browsing.MANAGE), "migrate", "--database", "owner", "-v", "0"], check=True)
            year.write(settings, SHOP)
            year.stream_today(settings, SHOP)
            with browsing.dashboard(shops) as found:
                yield found


def shoot(page: Page, at: str, name: str, mode: str) -> None:
    """The page's first screens as a small picture; light and whole where it is the README's."""
    page.goto(f"{at}{PAGES[name]}")
    page.evaluate("document.cookie = 'firststeps=hidden; path=/'")
    page.goto(f"{at}{PAGES[name]}")
    page.wait_for_function("document.querySelector('[data-chart]') === null || Object.keys(Chart.instances).length > 0")
    page.wait_for_timeout(1200 if name == "live" else 300)
    page.screenshot(path=str(IMAGES / f"{name}-{mode}.png"), full_page=False)


def shoot_all(browser: Browser, at: browsing.Dashboard) -> None:
    cookies = browsing.sign_in(browser, at)
    for mode, options in MODES.items():
        context = browser.new_context(storage_state=cookies, locale="en-GB", reduced_motion="reduce", **options)
        for name in PAGES:
            shoot(context.new_page(), at.url, name, mode)
        context.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with platform() as at, browsing.chromium() as browser:
        shoot_all(browser, at)
    if packer := shutil.which("pngquant"):
        subprocess.run([packer, "--force", "--ext", ".png", "--skip-if-larger", *map(str, IMAGES.glob("*.png"))], check=False)
    size = sum(image.stat().st_size for image in IMAGES.glob("*.png"))
    print(re.sub(r"\s+", " ", f"{len(list(IMAGES.glob('*.png')))} pictures in {IMAGES}, {size / 1e6:.2f} MB"))
    if size > MOST_BYTES:
        sys.exit(f"docs/images holds {size} bytes, more than {MOST_BYTES}: make fewer or smaller pictures")


if __name__ == "__main__":
    main()
