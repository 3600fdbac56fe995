"""A dashboard of the test's own and a real Chromium signed in to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from ecommerce.config import PROJECT_DIR
from ecommerce.local import servers

MANAGE = PROJECT_DIR / "django_app" / "manage.py"
CHROMIUM = "/usr/bin/chromium"


class Dashboard(NamedTuple):
    url: str
    environ: dict[str, str]


@contextmanager
def dashboard(environ: Mapping[str, str] = os.environ, **settings: object) -> Iterator[Dashboard]:
    """A dashboard on the servers of ``environ``, by default of this process; ``settings`` override it by their variables' names."""
    port = str(servers.free_port())
    environ = {**environ, "ECOMMERCE_DASHBOARD_PORT": port, **{name: str(value) for name, value in settings.items()}}
    environ["ECOMMERCE_PUBLIC_URL"] = f"http://localhost:{port}"
    subprocess.run([sys.executable, str(MANAGE), "collectstatic", "--noinput", "-v", "0"], check=True, env=environ)
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", port, "ecommerce_analytics.asgi:application"]
    with subprocess.Popen(command, cwd=MANAGE.parent, env=environ) as process:
        try:
            _wait_until_healthy(f"http://localhost:{port}/healthz", process)
            yield Dashboard(f"http://localhost:{port}", environ)
        finally:
            process.terminate()


def _wait_until_healthy(url: str, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not _is_healthy(url):
        assert process.poll() is None, f"the dashboard ended with exit code {process.returncode}"
        assert time.monotonic() < deadline, f"the dashboard did not become healthy within {seconds:.0f} s"
        time.sleep(0.1)


def _is_healthy(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"])
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
