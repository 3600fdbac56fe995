"""One GET straight into the dashboard's ASGI application, in a process of its own: for settings that its servers of the tests do not have.

``python asgi_request.py TIMES PATH NAME=VALUE…`` prints status, Location, Strict-Transport-Security and Retry-After of each answer, or the headers that SHOWN names.
"""

import asyncio
import os
import sys

from channels.testing import HttpCommunicator

SHOWN = os.environ.get("SHOWN", "location strict-transport-security retry-after").split()


async def main(times: int, path: str, headers: dict[str, str]) -> None:
    from ecommerce_analytics.asgi import application

    for _ in range(times):
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await HttpCommunicator(application, "GET", path, headers=pairs).get_response(timeout=20)
        told = {name.decode().lower(): value.decode() for name, value in answer["headers"]}
        print(answer["status"], *(told.get(name, "-") for name in SHOWN))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], dict(pair.split("=", 1) for pair in sys.argv[3:])))
