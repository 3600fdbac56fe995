"""What one socket has still to send: the newest snapshot, and the newest notice of each kind."""

import asyncio
from dataclasses import dataclass
from itertools import count

_serial = count(1)


@dataclass(frozen=True)
class Message:
    """An encoded message; ``key`` is what its reader sends back to say that it arrived."""

    key: str
    text: str


@dataclass(frozen=True)
class Reader:
    """Who reads a socket: the browser session's key and the account's id."""

    session: str = ""
    user_id: int = 0


class Slot:
    """Room for one snapshot and one notice a kind. A slow reader skips what came between, so memory is bounded."""

    def __init__(self, shop_id: str, reader: Reader | None = None) -> None:
        self.shop_id = shop_id
        self.reader = reader or Reader()
        self.number = next(_serial)
        self._message: Message | None = None
        self._notices: dict[str, Message] = {}
        self._ended = False
        self._filled = asyncio.Event()

    def put(self, message: Message) -> None:
        """Replaces the snapshot that waits here."""
        self._message = message
        self._filled.set()

    def notify(self, kind: str, message: Message) -> None:
        """Replaces the notice of ``kind`` that waits here."""
        self._notices[kind] = message
        self._filled.set()

    def end(self) -> None:
        """Nothing more will come: the session is over."""
        self._ended = True
        self._filled.set()

    async def take(self) -> Message | None:
        """What waits, notices first, waiting for something; None once the session is over."""
        await self._filled.wait()
        if self._ended:
            return None
        if self._notices:
            message = self._notices.pop(next(iter(self._notices)))
        else:
            message, self._message = self._message, None
        if not self._notices and self._message is None:
            self._filled.clear()
        return message
