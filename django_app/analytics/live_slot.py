"""What one socket has still to send: at most one message, always the newest."""

import asyncio
from dataclasses import dataclass
from itertools import count

_serial = count(1)


@dataclass(frozen=True)
class Message:
    """An encoded message; ``key`` is what its reader sends back to say that it arrived."""

    key: str
    text: str


class Slot:
    """A place for one message. A slow reader skips what came between; memory is bounded by one message a socket.

    ``session`` is the key of the browser session the socket belongs to.
    """

    def __init__(self, shop_id: str, session: str = "") -> None:
        self.shop_id = shop_id
        self.session = session
        self.number = next(_serial)
        self._message: Message | None = None
        self._ended = False
        self._filled = asyncio.Event()

    def put(self, message: Message) -> None:
        """Replaces what waits here."""
        self._message = message
        self._filled.set()

    def end(self) -> None:
        """Nothing more will come: the session is over."""
        self._ended = True
        self._filled.set()

    async def take(self) -> Message | None:
        """The newest message, waiting for one; None once the session is over."""
        await self._filled.wait()
        if self._ended or self._message is None:
            return None
        message, self._message = self._message, None
        self._filled.clear()
        return message
