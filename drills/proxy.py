"""A TCP link that can be cut: connections pass through, until they are held as a broken network would hold them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

CHUNK = 1 << 16


class Link:
    """Listens on ``before`` and passes on to ``behind``, both ports of 127.0.0.1, in a thread of its own.

    A cut link answers nothing and closes nothing: first answers stop, then requests, so that what was asked
    last is done and never confirmed. Mending it closes the connections that hung, as a real network's time-outs do.
    """

    def __init__(self, before: int, behind: int) -> None:
        self._before, self._behind = before, behind
        self._loop = asyncio.new_event_loop()
        self._answers, self._requests = asyncio.Event(), asyncio.Event()
        self._answers.set()
        self._requests.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accept, "127.0.0.1", before))

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._requests.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._behind)
            self._writers.add(far_writer)
            ways = self._pass(reader, far_writer, self._requests), self._pass(far_reader, writer, self._answers)
            await asyncio.gather(*ways)
        except OSError:
            writer.close()  # nobody listens behind
        finally:
            self._writers -= {writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, may: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await may.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers -= {writer}

    async def _cut(self, answers_first: float) -> None:
        self._answers.clear()
        await asyncio.sleep(answers_first)
        self._requests.clear()

    async def _mend(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self._answers.set()
        self._requests.set()

    async def _end(self) -> None:
        self._server.close()
        await self._mend()

    def cut(self, answers_first: float = 1.0) -> None:
        """Stop answers now and requests ``answers_first`` seconds later."""
        self._call(self._cut(answers_first))

    def mend(self) -> None:
        """Let new connections through; what hung is dropped."""
        self._call(self._mend())

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
