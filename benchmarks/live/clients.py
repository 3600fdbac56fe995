"""Two thousand WebSocket clients in one process: a protocol that reads frames, notes when each message came, and acknowledges it.

``python -m benchmarks.live.clients PORT COUNT SILENT`` prints "ready" once all are connected, and a JSON summary when its input closes.
SILENT clients neither read nor acknowledge.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import time
from array import array

SENT, NUMBER, KEY = re.compile(rb'"sent":(\d+)'), re.compile(rb'"number":(\d+)'), re.compile(rb'"key":"(\w+)"')
HANDSHAKES, CONNECT_SECONDS = 50, 60


class Client(asyncio.Protocol):
    """One socket; ``delays`` (ms) and ``numbers`` are shared by all."""

    def __init__(self, port: int, delays: array, numbers: array, silent: bool) -> None:
        self.port, self.delays, self.numbers, self.silent = port, delays, numbers, silent
        self.buffer, self.open, self.closed = b"", asyncio.Event(), False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws/live?shop=demo HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self.open.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open.is_set():
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self.buffer = rest
            if b" 101 " not in head:
                raise SystemExit(f"the handshake was refused: {head[:80]!r}")
            self.open.set()
            if self.silent:
                self.transport.pause_reading()
        self._frames()

    def _frames(self) -> None:
        while len(self.buffer) >= 2:
            size, start = self.buffer[1] & 127, 2
            if size == 126:
                size, start = int.from_bytes(self.buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(self.buffer[2:10], "big"), 10
            if len(self.buffer) < start + size:
                return
            opcode, payload = self.buffer[0] & 15, self.buffer[start : start + size]
            self.buffer = self.buffer[start + size :]
            if opcode == 1:
                self._heard(payload)
            elif opcode == 9:
                self._say(0x8A, payload)

    def _heard(self, payload: bytes) -> None:
        if found := SENT.search(payload):
            self.delays.append((time.monotonic_ns() - int(found[1])) / 1e6)
            self.numbers.append(int(NUMBER.search(payload)[1]))
        key = KEY.search(payload)
        self._say(0x81, b'{"ack":"%s"}' % (key[1] if key else b"0"))

    def _say(self, head: int, payload: bytes) -> None:
        self.transport.write(bytes((head, 0x80 | len(payload), 0, 0, 0, 0)) + payload)  # masked with zero


async def main(port: int, count: int, silent: bool) -> None:
    loop, delays, numbers = asyncio.get_running_loop(), array("d"), array("L")
    at_once, clients = asyncio.Semaphore(HANDSHAKES), []

    async def connect() -> None:
        async with at_once:
            _, client = await loop.create_connection(lambda: Client(port, delays, numbers, silent), "127.0.0.1", port)
            await client.open.wait()
            clients.append(client)

    async with asyncio.timeout(CONNECT_SECONDS):
        await asyncio.gather(*(connect() for _ in range(count)))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    first = int(os.environ.get("BENCH_FIRST", "1"))
    kept = sorted(delay for delay, number in zip(delays, numbers, strict=True) if number >= first)
    at = lambda share: round(kept[min(len(kept) - 1, int(share * len(kept)))], 1) if kept else None  # noqa: E731
    print(json.dumps({"messages": len(kept), "p50": at(0.5), "p99": at(0.99), "max": at(1), "closed": sum(one.closed for one in clients)}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "silent"))
