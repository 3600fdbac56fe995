"""The platform in containers, as a test drives it: a project of its own, from a copy of the tracked files."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from ecommerce.config import PROJECT_DIR

HEALTHY_SECONDS = 600
RUN = ["run", "--rm", "-T"]


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true result of ``condition``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(1)
    return result


def copy_project(target: Path) -> None:
    """The tracked files as they are now, as in a fresh clone."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_DIR, capture_output=True, check=True).stdout
    pack = subprocess.Popen(["tar", "-c", "--null", "-T", "-"], cwd=PROJECT_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-x", "-C", target], stdin=pack.stdout)
    pack.stdin.write(listing)
    pack.stdin.close()
    assert pack.wait() == 0
    assert unpack.wait() == 0


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


class Stack:
    """One docker-compose project in ``folder``; ``variables`` are its settings."""

    def __init__(self, folder: Path, project: str, variables: dict[str, str]) -> None:
        self.folder, self.project, self.variables = folder, project, variables
        self.files: list[str] = []

    def compose(self, *arguments: str, check: bool = True, seconds: float = 1800) -> str:
        """What docker-compose prints on stdout."""
        command = ["docker-compose", "-p", self.project, *self.files, *arguments]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", **self.variables}
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=seconds)
        assert result.returncode == 0 or not check, f"{' '.join(arguments)}: {result.stdout[-2000:]}\n{result.stderr[-4000:]}"
        return result.stdout

    def containers(self, *service: str) -> dict[str, dict]:
        """What docker knows of the project's containers, by name."""
        ids = self.compose("ps", "-q", *service).split()
        return {one["Name"].lstrip("/"): one for one in json.loads(docker("inspect", *ids))} if ids else {}

    def service(self, name: str) -> dict:
        """The one container of a service."""
        (one,) = self.containers(name).values()
        return one

    def lasting(self) -> dict[str, dict]:
        """Containers that are to run on, by service."""
        found = self.containers().values()
        return {service_of(one): one for one in found if one["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"}

    def unhealthy(self) -> list[str]:
        return [name for name, one in self.lasting().items() if one["State"].get("Health", {}).get("Status") != "healthy"]

    def wait_healthy(self, seconds: float = HEALTHY_SECONDS) -> None:
        until(lambda: not self.unhealthy(), seconds, "every container is healthy")

    def sql(self, query: str) -> list[list[str]]:
        """Rows of a question to the warehouse, as text."""
        printed = self.compose(*RUN, "--no-deps", "tools", "sql", "--csv", query)
        return [line.split(",") for line in printed.splitlines()[1:]]

    def live(self, shop: str) -> dict:
        """The live snapshot of a shop."""
        return json.loads(self.compose(*RUN, "--no-deps", "tools", "live", "--shop", shop))

    def send(self, shop: str, rate: int, seconds: int) -> int:
        """Let the producer service simulate traffic of ``shop``; the number of events Kafka acknowledged."""
        command = ["docker-compose", "-p", self.project, *self.files, *RUN, "--no-deps", "producer"]
        command += ["--shop", shop, "--rate", str(rate), "--seconds", str(seconds)]
        environment = {**os.environ, **self.variables}
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=seconds + 120)
        assert result.returncode == 0, result.stderr[-2000:]
        return int(re.findall(r"(\d[\d,]*) acknowledged", result.stdout + result.stderr)[-1].replace(",", ""))

    def received(self, shop: str) -> int:
        return self.live(shop)["totals"]["received"]

    def net_revenue(self) -> Decimal:
        """Of all published days, from the warehouse."""
        return Decimal(self.sql("SELECT coalesce(sum(net_revenue), 0) FROM mart_daily_sales")[0][0])


def service_of(container: dict) -> str:
    return container["Config"]["Labels"]["com.docker.compose.service"]
