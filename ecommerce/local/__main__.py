"""``python -m ecommerce.local <verb>``: what the supervisor and the Makefile call."""

from __future__ import annotations

import os
import sys

from ecommerce.config import ConfigError, settings
from ecommerce.local.server import LocalError, execute


def _exec(name: str) -> None:
    from ecommerce.local import supervision
    from ecommerce.local.services import SERVICES

    config = settings()
    if "SUPERVISOR_PROCESS_NAME" in os.environ:
        supervision.end_leftovers(config, name=name)  # children of a service that was killed
    execute(SERVICES[name](config))


def main(arguments: list[str]) -> None:
    from ecommerce.local import commands

    match arguments:
        case ["exec", name]:
            _exec(name)
        case ["up" | "down" | "status" as verb]:
            getattr(commands, verb)()
        case ["logs", *service] if len(service) < 2:
            commands.logs(*service)
        case ["reset", *yes] if yes in ([], ["--yes"]):
            commands.reset(bool(yes))
        case _:
            sys.exit("usage: python -m ecommerce.local up | down | status | logs [SERVICE] | reset [--yes]")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (LocalError, ConfigError) as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit("stopped; what has started goes on (make status, make down)")
