"""A dashboard of the test's own, and real Chromium: signed in, and watched for anything on its console."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from waiting import answers, wait_until

from ecommerce.config import PROJECT_DIR
from ecommerce.local import servers

MANAGE = PROJECT_DIR / "django_app" / "manage.py"
NAMES = ("chromium", "chromium-browser", "google-chrome")
KILLED = "ERR_CONNECTION_REFUSED"
"""What the end of a server itself puts on the console."""


@dataclass
class Dashboard:
    """A server that a test may kill and start again."""

    url: str
    environ: dict[str, str]
    processes: list[subprocess.Popen] = field(default_factory=list)

    def start(self) -> None:
        """Starts it and waits until it is healthy."""
        port = self.url.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", port, "ecommerce_analytics.asgi:application"]
        self.processes.append(subprocess.Popen(command, cwd=MANAGE.parent, env=self.environ))
        wait_until(lambda: answers(f"{self.url}/healthz"), "the dashboard's health")

    def kill(self) -> None:
        self.processes[-1].kill()
        self.processes[-1].wait()


@contextmanager
def dashboard(environ: Mapping[str, str] = os.environ, **settings: object) -> Iterator[Dashboard]:
    """A dashboard on the servers of ``environ``, by default of this process; ``settings`` override it by their variables' names."""
    port = str(servers.free_port())
    environ = {**environ, "ECOMMERCE_DASHBOARD_PORT": port, **{name: str(value) for name, value in settings.items()}}
    environ["ECOMMERCE_PUBLIC_URL"] = f"http://localhost:{port}"
    subprocess.run([sys.executable, str(MANAGE), "collectstatic", "--noinput", "-v", "0"], check=True, env=environ)
    found = Dashboard(f"http://localhost:{port}", environ)
    try:
        found.start()
        yield found
    finally:
        found.kill()


def executable() -> str | None:
    """The system's Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox", "--disable-background-networking"])
        yield browser
        browser.close()


def sign_in(browser: Browser, at: Dashboard) -> dict:
    """The cookies of a new session, for ``browser.new_context(storage_state=…)``."""
    printed = subprocess.run([sys.executable, str(MANAGE), "login_link"], capture_output=True, text=True, check=True, env=at.environ).stdout
    page = browser.new_page()
    page.goto(re.search(r"http\S+", printed)[0])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/(\?.*)?$"))
    state = page.context.storage_state()
    page.context.close()
    return state


Open = Callable[..., Page]


@contextmanager
def opener(browser: Browser, at: Dashboard, cookies: dict | None = None) -> Iterator[Open]:
    """``open(path, **options of the context)`` gives a page; what came on a console, other than that a server was killed, fails at the end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(path: str, **options: object) -> Page:
        contexts.append(browser.new_context(**{"storage_state": cookies, "locale": "en-GB"} | options))
        page = contexts[-1].new_page()
        page.on("console", lambda one: complaints.append(f"{one.text} {one.location['url']}") if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(at.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in complaints if KILLED not in one] == []
