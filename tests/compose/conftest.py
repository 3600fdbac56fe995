"""The platform built and started once, in containers; all of it is gone at the end. ``make test-compose`` runs these."""

import os
import subprocess
import time

import pytest
from compose.stack import PROFILES, Stack, copy_project, program

from ecommerce.local.servers import free_port

HERE = os.path.dirname(__file__)
PUBLISHED = ("DASHBOARD", "AIRFLOW", "SPARK_UI", "KAFKA_EXTERNAL")


def _why_not() -> str:
    if os.environ.get("TEST_COMPOSE") != "1":
        return "run by `make test-compose`"
    if not program():
        return "neither docker-compose nor docker compose is installed here"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "no Docker engine is running here"
    return ""


def pytest_collection_modifyitems(items):
    if reason := _why_not():
        for item in items:
            if str(item.path).startswith(HERE):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """Everything up and healthy, on free ports, with two days of history."""
    folder = tmp_path_factory.mktemp("clone")
    copy_project(folder)
    variables = {f"ECOMMERCE_{name}_PORT": str(free_port()) for name in PUBLISHED}
    stack = Stack(folder, f"ecommerce-test-{os.getpid()}", variables | {"ECOMMERCE_HISTORY_DAYS": "2", "ECOMMERCE_PRODUCER_RATE": "5"})
    try:
        begin = time.monotonic()
        stack.compose("build")
        built = time.monotonic()
        # `docker compose up` creates all containers first: a volume's owner is then that of the image's folder.
        stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "true", "airflow-scheduler")
        stack.compose("up", "-d")
        stack.wait_healthy()
        print(f"\nbuilt in {built - begin:.0f} s; up -d to all healthy in {time.monotonic() - built:.0f} s")
        yield stack
    finally:
        stack.compose(*PROFILES, "down", "-v", "--remove-orphans", check=False)
