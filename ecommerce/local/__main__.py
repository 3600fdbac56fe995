"""``python -m ecommerce.local <verb>``: what the supervisor and the Makefile call."""

from __future__ import annotations

import sys

from ecommerce.config import ConfigError, settings
from ecommerce.local.server import LocalError, execute


def _exec(name: str) -> None:
    from ecommerce.local.servers import SERVERS

    execute(SERVERS[name](settings()))


def main(arguments: list[str]) -> None:
    match arguments:
        case ["exec", name]:
            _exec(name)
        case _:
            sys.exit("usage: python -m ecommerce.local exec SERVER")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (LocalError, ConfigError) as problem:
        sys.exit(f"error: {problem}")
