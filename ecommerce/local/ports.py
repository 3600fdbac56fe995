"""Whether the ports of the local run are free, and who has them if not."""

from __future__ import annotations

import socket

import psutil

from ecommerce.config import PREFIX, Settings
from ecommerce.local.server import LocalError
from ecommerce.local.services import PORTS


def taken(host: str, port: int) -> bool:
    """Whether another program listens on ``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def owner(port: int) -> str:
    """The listening process as text, or "a process of another user"."""
    try:
        listeners = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid]
        process = psutil.Process(listeners[0].pid)
        return f"process {process.pid} ({' '.join(process.cmdline())[:60] or process.name()})"
    except (psutil.Error, IndexError):
        return "a process of another user"


def check(settings: Settings, services: list[str]) -> None:
    """Every port of ``services`` is free.

    Raises:
        LocalError: one is not; the message names it, its owner and the setting to change.
    """
    for service in services:
        for setting in PORTS.get(service, ()):
            value = str(getattr(settings, setting)).split(",")[0]
            host, _, number = value.rpartition(":")
            if taken(host or settings.host, int(number)):
                other = f"{host}:{int(number) + 10000}" if host else str(int(number) + 10000)
                raise LocalError(
                    f"port {number}, which {service} needs, is used by {owner(int(number))}:"
                    f" stop it, or take another port: export {PREFIX}{setting.upper()}={other}"
                )
