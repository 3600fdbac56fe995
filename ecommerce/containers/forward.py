"""A TCP port handed on to another container, so that a program on the host reaches what is published nowhere else."""

from __future__ import annotations

import asyncio
from contextlib import suppress

CHUNK = 1 << 16


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(port: int, host: str, target: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, target)
        except OSError as error:
            print(f"no answer from {host}:{target}: {error}", flush=True)
            writer.close()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(connected, "0.0.0.0", port)
    print(f"port {port} leads to {host}:{target}", flush=True)
    await server.serve_forever()


def run(port: int, target: str) -> None:
    """Take connections on ``port`` and hand each on to ``target`` (host:port), until stopped."""
    host, _, number = target.rpartition(":")
    asyncio.run(_serve(port, host, int(number)))
