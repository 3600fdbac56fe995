"""A browser without a screen, for tests: cookies, forms, and the live WebSocket."""

import http.cookiejar
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from email.message import Message
from typing import Any, NamedTuple

from websockets.sync.client import ClientConnection, connect

from ecommerce.config import PROJECT_DIR

PASSWORD = "correct horse battery"
MANAGE = str(PROJECT_DIR / "django_app" / "manage.py")


class Answer(NamedTuple):
    status: int
    url: str
    text: str
    headers: Message


def login_link() -> str:
    """A new one-time link, as the command prints it."""
    return subprocess.run([sys.executable, MANAGE, "login_link"], capture_output=True, text=True, check=True).stdout.strip()


class Browser:
    """Follows redirects and keeps cookies; ``base`` is the dashboard's address."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str, form: dict[str, str] | None = None) -> Answer:
        """GET ``path`` (or a full address); POST where there is a ``form``."""
        request = urllib.request.Request(urllib.parse.urljoin(self.base, path), headers={"Origin": self.base} if form else {})
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self._opener.open(request, data, timeout=30) as response:
                return Answer(response.status, response.url, response.read().decode(), response.headers)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.url, error.read().decode(), error.headers)

    def post(self, path: str, page: Answer) -> Answer:
        """Presses the only button of a form on ``page`` that posts to ``path``."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        return self.get(path, {"csrfmiddlewaretoken": token[1] if token else ""})

    def sign_in(self) -> "Browser":
        link = login_link()
        self.post(link, self.get(link))
        return self

    @contextmanager
    def live(self, shop: str, origin: str | None = None, name: str = "live"):
        """The live socket of ``shop``, or its socket of notices."""
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        address = self.base.replace("http", "ws", 1) + f"/ws/{name}?shop={shop}"
        with connect(address, origin=origin or self.base, additional_headers={"Cookie": cookie}, open_timeout=30) as socket:
            yield socket


def hear(socket: ClientConnection, seconds: float = 30) -> dict[str, Any]:
    """The next message. Raises TimeoutError when none comes in time."""
    return json.loads(socket.recv(timeout=seconds))


def acknowledge(socket: ClientConnection, message: dict[str, Any]) -> None:
    socket.send(json.dumps({"ack": message["key"]}))


def manage(*arguments: str) -> str:
    """What ``manage.py arguments`` prints."""
    return subprocess.run([sys.executable, MANAGE, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def field(page: Answer, name: str) -> str:
    """The value of the hidden field ``name`` on ``page``."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    return found[1] if found else ""


def sign_in_as(base: str, username: str, role: str, password: str = PASSWORD) -> "Browser":
    """A browser signed in as ``username``, invited as ``role``."""
    browser, link = Browser(base), manage("invite", username, "--role", role)
    form = {"csrfmiddlewaretoken": field(browser.get(link), "csrfmiddlewaretoken"), "new_password1": password, "new_password2": password}
    browser.get(link, form)
    return browser
