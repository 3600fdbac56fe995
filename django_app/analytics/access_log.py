"""One line a request, without what opens doors: the server's own log would print the tokens of sign-in links."""

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger("access")
TOKEN = re.compile(r"(/login/)[^/\s]+")
STATUS = {"http.response.start": "status", "websocket.close": "code"}


def plain(path: str) -> str:
    """``path`` with the token of a sign-in link left out, and nothing that breaks a line of the log."""
    return TOKEN.sub(r"\1…", path).encode("unicode_escape").decode().replace("\\u2026", "…")


class AccessLog:
    """ASGI middleware: logs method, path (no query), status or close code, and milliseconds."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        began, status = time.monotonic(), "-"

        async def watch(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] in STATUS:
                status = str(message.get(STATUS[message["type"]], "-"))
            await send(message)

        try:
            await self._application(scope, receive, watch)
        finally:
            took = (time.monotonic() - began) * 1000
            log.info("%s %s %s %.0f ms", scope.get("method", "WS"), plain(scope["path"]), status, took)
