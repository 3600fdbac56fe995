"""Redis' file that ends inside a transaction, as a crash leaves it: what is written afterwards survives the next start."""

import os
from contextlib import contextmanager

import pytest
import yaml
from compose.stack import docker, until

from ecommerce.config import PROJECT_DIR

IMAGE = yaml.safe_load((PROJECT_DIR / "docker-compose.yml").read_text())["services"]["redis"]["image"]
TORN = r"*1\r\n\$5\r\nMULTI\r\n*3\r\n\$6\r\nINCRBY\r\n\$1\r\nn\r\n\$3\r\n100\r\n*3\r\n\$6\r\nINC"
OPTIONS = ["--dir", "/data", "--appendonly", "yes", "--save", ""]
VOLUME = f"ecommerce-test-redis-{os.getpid()}"
MOUNTS = ["-v", f"{VOLUME}:/data", "-v", f"{PROJECT_DIR}/docker/redis-start.sh:/usr/local/bin/redis-start:ro"]


@contextmanager
def redis(command: list[str]):
    """The id of a container in which ``command`` has become a Redis that answers."""
    container = docker("run", "-d", "--user=999:999", "--cap-drop=ALL", *MOUNTS, IMAGE, *command, *OPTIONS)
    try:
        until(lambda: "PONG" in docker("exec", container, "sh", "-c", "redis-cli ping || true"), "Redis answers")
        yield container
        docker("stop", container)
    finally:
        docker("rm", "-f", container)


@pytest.fixture
def volume():
    docker("volume", "create", VOLUME)
    docker("run", "--rm", "--user=0", *MOUNTS, "--entrypoint=chown", IMAGE, "999:999", "/data")
    yield
    docker("volume", "rm", VOLUME)


@pytest.mark.parametrize(("command", "kept"), [(["sh", "/usr/local/bin/redis-start"], "3"), (["redis-server"], "1")])
def test_a_torn_transaction_takes_nothing_with_it(volume, command, kept):
    """The second case is Redis left alone, which forgets what it had acknowledged."""
    with redis(command) as container:
        docker("exec", container, "redis-cli", "incrby", "n", "1")
    tear = f'file=$(ls /data/appendonlydir/*.incr.aof); printf "{TORN}" >>"$file"'
    docker("run", "--rm", "--user=999:999", *MOUNTS, "--entrypoint=sh", IMAGE, "-c", tear)
    with redis(command) as container:
        docker("exec", container, "sh", "-c", r"printf 'MULTI\nINCRBY n 2\nEXEC\n' | redis-cli")
        assert docker("exec", container, "redis-cli", "get", "n") == "3"
    with redis(command) as container:
        assert docker("exec", container, "redis-cli", "get", "n") == kept
