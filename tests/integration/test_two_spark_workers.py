"""The same job against a Spark master with two worker processes gives the same rows as on one machine."""

import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import batch_runs
import checksums
import msgspec
import pytest
from conftest import wait_until

from ecommerce import ingest
from ecommerce.config import PROJECT_DIR, settings
from ecommerce.local import java, servers, spark
from ecommerce.shops import shop

pytestmark = [pytest.mark.servers, pytest.mark.long]
DAY = date(2026, 4, 20)


@pytest.fixture
def executor_java(tmp_path) -> dict[str, str]:
    """Variables by which a worker starts its executors with the platform's Java, as in the containers."""
    program = tmp_path / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    shutil.copy(PROJECT_DIR / "docker" / "executor-java", program)
    program.chmod(0o755)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"JAVA_HOME": str(tmp_path / "java"), "PATH": path, "SPARK_SCALA_VERSION": "2.13"}


@contextmanager
def daemon(java_of_executors: dict[str, str], main: str, *arguments: str):
    """A Spark master or worker as a process of its own."""
    command = [
        java.program(settings()),
        "-Xmx192m",
        *spark.JVM,
        "-cp",
        f"{spark.home()}/jars/*",
        f"org.apache.spark.deploy.{main}",
        *arguments,
    ]
    environment = {**os.environ, **spark.environment(), **java_of_executors}
    path = settings().var_dir / "logs" / f"{main.partition('.')[0]}-{Path(arguments[5]).name}.log"
    with path.open("wb") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def workers(page: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
        return sum(worker["state"] == "ALIVE" for worker in msgspec.json.decode(answer.read())["workers"])


def alive(page: int, number: int) -> bool:
    try:
        return workers(page) == number
    except OSError:
        return False


@contextmanager
def cluster(folder, java_of_executors):
    """A master and two workers of one core each; yields the master's address and the port of its page."""
    port, page = servers.free_port(), servers.free_port()
    with ExitStack() as stack:
        stack.enter_context(
            daemon(java_of_executors, "master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page))
        )
        wait_until(lambda: alive(page, 0), "the master")
        for number in range(2):
            place = ["--host", "127.0.0.1", "--webui-port", str(servers.free_port()), "--work-dir", str(folder / f"worker-{number}")]
            stack.enter_context(
                daemon(java_of_executors, "worker.Worker", *place, "--cores", "1", "--memory", "1g", f"spark://127.0.0.1:{port}")
            )
        wait_until(lambda: alive(page, 2), "two workers", 120)
        yield f"spark://127.0.0.1:{port}", page


def test_the_same_rows_as_on_one_machine(postgres, executor_java, tmp_path, monkeypatch):
    ingest.land_simulated("cluster-0", shop("uci"), DAY, 3)
    with cluster(tmp_path, executor_java) as (master, page):
        own = replace(settings(), spark_master=master, spark_connect_port=servers.free_port(), spark_ui_port=servers.free_port())
        monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{own.spark_connect_port}")
        with servers.running(own, "spark"):
            code, last = batch_runs.run("cluster-1", "uci", "simulated", DAY.isoformat())
            assert code == 0, last
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
                (app,) = msgspec.json.decode(answer.read())["activeapps"]
            assert app["cores"] == 2
    on_cluster = checksums.of_shop("uci")
    assert len(on_cluster) > 10
    command = [sys.executable, "-m", "ecommerce.cli", "spark-submit", "--run-id", "cluster-2", "--shop", "uci", "--source", "simulated"]
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"}
    subprocess.run([*command, "--from", str(DAY), "--to", str(DAY)], check=True, env=environment, stdout=subprocess.DEVNULL)
    assert checksums.of_shop("uci") == on_cluster
