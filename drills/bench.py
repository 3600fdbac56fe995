"""The servers that drills share: ZooKeeper and Kafka, the latter with a second listener that a proxy stands before."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drills.errors import CannotRun
from drills.programs import Kept, start_server
from ecommerce import kafka_users
from ecommerce.config import Settings
from ecommerce.local import servers

SMALL_DISK = "ecommerce-drill"
"""The device name of the file systems that this room mounts."""
LINK = """\
listeners=SASL_PLAINTEXT://{direct},LINK://127.0.0.1:{behind}
advertised.listeners=SASL_PLAINTEXT://{direct},LINK://127.0.0.1:{before}
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,LINK:SASL_PLAINTEXT
listener.name.link.scram-sha-256.sasl.jaas.config={login}
"""


@dataclass
class Bench:
    """Running servers. Clients of port ``before`` are told to come back to it; it is the proxy's, which passes on to ``behind``."""

    settings: Settings
    zookeeper: Kept | None = None
    kafka: Kept | None = None
    before: int = 0
    behind: int = 0


@contextmanager
def running(folder: Path, kafka_mebibytes: int = 0) -> Iterator[Bench]:
    """ZooKeeper and Kafka in ``folder``, on a disk of its own of ``kafka_mebibytes`` where that is not 0."""
    settings = servers.isolated_settings(folder)
    before, behind = servers.free_port(), servers.free_port()
    login = kafka_users.login(settings.secret(f"kafka_{kafka_users.BROKER}_password"))
    link = LINK.format(direct=settings.kafka_bootstrap, before=before, behind=behind, login=login)
    with ExitStack() as stack:
        if kafka_mebibytes:
            stack.enter_context(small_disk(settings.var_dir / "kafka", kafka_mebibytes))
        zookeeper = start_server(settings, "zookeeper")
        stack.callback(zookeeper.close)
        kafka = start_server(settings, "kafka", (settings.var_dir / "kafka" / "server.properties", link))
        stack.callback(kafka.close)
        yield Bench(settings, zookeeper, kafka, before, behind)


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """``folder`` as a file system of so many MiB, in memory.

    Raises:
        CannotRun: this user may not mount one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", SMALL_DISK, folder], capture_output=True, text=True)
    if mount.returncode:
        raise CannotRun(f"a full disk needs the right to mount a small one (root): {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
