"""The platform in containers, as a test drives it: a project of its own, from a copy of the tracked files."""

import json
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import shop_events
from integration.web import Browser
from kafka import KafkaProducer

from ecommerce.config import PROJECT_DIR
from ecommerce.events import Event, Item

PATIENCE_SECONDS = 900  # for a machine that has other work; a wait ends when what it waits for is there
LABEL = "com.docker.compose"
QUIET = "rees46"  # a shop that the producer service leaves alone
PROFILES = ["--profile", "tools", "--profile", "scale"]


def purchase() -> Event:
    """An order of the quiet shop, worth 20.00 USD."""
    now = datetime.now(UTC)
    items = [Item("SKU-1", "10.00", 2, item_name="Mug")]
    transaction = f"order-{uuid.uuid4()}"
    return shop_events.event("purchase", shop_id=QUIET, event_time=now, currency="USD", transaction_id=transaction, items=items)


def program() -> list[str]:
    """docker-compose 1.29 or the current docker compose, whichever is here; COMPOSE names one. Empty: neither."""
    if named := os.environ.get("COMPOSE"):
        return named.split()
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    return ["docker", "compose"] if plugin else []


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true result of ``condition``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
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
    """What the engine's own client prints."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert result.returncode == 0, f"docker {' '.join(arguments)}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result.stdout.strip()


class Stack:
    """One project of docker-compose in ``folder``; ``variables`` are its settings."""

    def __init__(self, folder: Path, project: str, variables: dict[str, str]) -> None:
        self.folder, self.project, self.variables = folder, project, variables
        self.files: list[str] = []

    def compose(self, *arguments: str, check: bool = True, seconds: float = 1800) -> str:
        """What docker-compose prints, both streams."""
        command = [*program(), "-p", self.project, *self.files, *arguments]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", **self.variables}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        result = subprocess.run(command, cwd=self.folder, env=environment, text=True, timeout=seconds, **streams)
        assert result.returncode == 0 or not check, f"{' '.join(arguments)}: {result.stdout[-6000:]}"
        return result.stdout

    def containers(self, service: str | None = None) -> list[dict]:
        """What the engine knows of the project's containers, stopped ones too, but not those of ``run``."""
        labels = {"project": self.project, "oneoff": "False"} | ({"service": service} if service else {})
        filters = [text for name, value in labels.items() for text in ("--filter", f"label={LABEL}.{name}={value}")]
        ids = docker("ps", "-aq", *filters).split()
        return json.loads(docker("inspect", *ids)) if ids else []

    def service(self, name: str) -> dict:
        """The one container of a service."""
        (one,) = self.containers(name)
        return one

    def lasting(self) -> dict[str, dict]:
        """Containers that are to run on, by service."""
        found = [one for one in self.containers() if one["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"]
        return {one["Config"]["Labels"][f"{LABEL}.service"]: one for one in found}

    def unhealthy(self) -> list[str]:
        return [name for name, one in self.lasting().items() if one["State"].get("Health", {}).get("Status") != "healthy"]

    def wait_healthy(self) -> None:
        until(lambda: not self.unhealthy(), "every container is healthy")

    def inside(self, service: str, *command: str) -> str:
        """What ``command`` prints in the container of ``service``."""
        return docker("exec", self.service(service)["Id"], *command)

    def browser(self) -> Browser:
        """Signed in by a link that the container makes."""
        link = self.inside("django", "python", "manage.py", "login_link").split()[-1]
        visitor = Browser(f"http://localhost:{self.variables['ECOMMERCE_DASHBOARD_PORT']}")
        assert visitor.post(link, visitor.get(link)).status == 200
        return visitor

    @contextmanager
    def kafka(self) -> Iterator[KafkaProducer]:
        """A producer on this machine, through the listener that the profile tools publishes."""
        self.compose("--profile", "tools", "up", "-d", "--no-deps", "kafka-host")
        password = self.inside("producer", "cat", "/run/secrets/kafka_producer_password")
        sign_in = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256"}
        sign_in |= {"sasl_plain_username": "producer", "sasl_plain_password": password}
        address = f"127.0.0.1:{self.variables['ECOMMERCE_KAFKA_EXTERNAL_PORT']}"
        producer = KafkaProducer(bootstrap_servers=address, acks="all", **sign_in)
        yield producer
        producer.close()
        self.compose("--profile", "tools", "rm", "-sf", "kafka-host")

    def trigger(self, run_id: str, **conf: str) -> None:
        """Ask Airflow for a run of the ETL, as a person at the command line does."""
        self.inside("airflow-scheduler", "airflow", "dags", "trigger", "ecommerce_etl", "--run-id", run_id, "--conf", json.dumps(conf))

    def runs(self) -> dict[str, str]:
        """State of each run of the ETL, by its id."""
        printed = self.inside("airflow-scheduler", "airflow", "dags", "list-runs", "ecommerce_etl", "--output", "json")
        return {run["run_id"]: run["state"] for run in json.loads(printed[printed.index("[{") :])}

    def wait_for_run(self, run_id: str) -> None:
        """Returns when the run has succeeded; fails when it has not."""
        ended = until(lambda: (state := self.runs()[run_id]) not in ("queued", "running") and state, f"run {run_id} ends")
        assert ended == "success"

    def sql(self, query: str) -> list[list[str]]:
        """Rows of a question to the warehouse, as text."""
        printed = self.inside("airflow-scheduler", "ecommerce", "sql", "--csv", query)
        return [line.split(",") for line in printed.splitlines()[1:]]

    def live(self, shop: str) -> dict:
        """The live snapshot of a shop."""
        return json.loads(self.inside("airflow-scheduler", "ecommerce", "live", "--shop", shop))

    def send(self, shop: str, rate: int, seconds: int) -> int:
        """Let the producer service simulate traffic of ``shop``; the number of events Kafka acknowledged."""
        options = ["--shop", shop, "--rate", str(rate), "--seconds", str(seconds)]
        printed = self.compose("run", "--rm", "-T", "--no-deps", "producer", *options, seconds=seconds + PATIENCE_SECONDS)
        return int(re.findall(r"(\d[\d,]*) acknowledged", printed)[-1].replace(",", ""))

    def received(self, shop: str) -> int:
        """Events of ``shop`` that Kafka handed to the consumers, ever."""
        return self.live(shop)["totals"]["received"]

    def net_revenue(self) -> Decimal:
        """Of all published days, from the warehouse."""
        return Decimal(self.sql("SELECT coalesce(sum(net_revenue), 0) FROM mart_daily_sales")[0][0])
