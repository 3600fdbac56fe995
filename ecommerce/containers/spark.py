"""Spark's programs in a container: the Connect server, and for the cluster overlay a master and workers."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ecommerce.config import Settings
from ecommerce.local import java, spark
from ecommerce.local.secret_files import write

CONNECT = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--name", "Spark Connect server", "spark-internal"]
CLUSTER_FILE = Path("/tmp/spark-cluster.conf")
MASTER_PORT, PAGE_PORT = 7077, 8081
HEAP = "192m"


def options(settings: Settings) -> dict[str, str]:
    """The local run's options, for a driver that other containers reach by its name."""
    return spark.options(settings) | {
        "spark.driver.host": socket.gethostname(),
        "spark.driver.bindAddress": "0.0.0.0",
        "spark.connect.grpc.binding.address": "0.0.0.0",
        "spark.connect.grpc.binding.port": "15002",
        "spark.ui.port": "4040",  # the settings' ports are those that are published
        "spark.executor.memory": "512m",
        "spark.executor.cores": "1",
    }


def _cluster_file(settings: Settings) -> list[str]:
    """The options by which master, workers and driver know each other, in a file only this user reads."""
    secret = settings.secret("spark_cluster_secret")
    lines = ["spark.authenticate true", f"spark.authenticate.secret {secret}", "spark.network.crypto.enabled true"]
    lines += ["spark.master.rest.enabled false"]  # the master takes jobs of those who know the secret alone
    write(CLUSTER_FILE, "".join(f"{line}\n" for line in lines))
    return ["--properties-file", str(CLUSTER_FILE)]


def _become(command: list[str], **variables: str) -> None:
    environment = {**os.environ, **spark.environment(), **variables}
    environment.pop("SPARK_LOCAL_IP")  # not loopback alone: executors and the UI are reached from other containers
    os.execvpe(command[0], command, environment)


def connect_server(settings: Settings) -> None:
    """Become the Connect server: on its own, or as the driver of the cluster that ``spark_master`` names."""
    flags = [text for key, value in options(settings).items() for text in ("--conf", f"{key}={value}")]
    if settings.spark_master.startswith("spark://"):
        flags += _cluster_file(settings)
    command = spark.submit_command(settings, settings.spark_driver_memory, *flags, *CONNECT)
    _become(command, SPARK_CONNECT_AUTHENTICATE_TOKEN=settings.secret("spark_connect_token"))


def _daemon(settings: Settings, main: str, *arguments: str) -> None:
    jvm = [java.program(settings), f"-Xmx{HEAP}", *spark.JVM, "-cp", f"{spark.home()}/jars/*"]
    _become([*jvm, f"org.apache.spark.deploy.{main}", "--webui-port", str(PAGE_PORT), *_cluster_file(settings), *arguments])


def master(settings: Settings) -> None:
    """Become the cluster's master."""
    _daemon(settings, "master.Master", "--host", socket.gethostname(), "--port", str(MASTER_PORT))


def worker(settings: Settings) -> None:
    """Become a worker of the cluster that ``spark_master`` names."""
    folder = settings.var_dir / "spark-worker" / socket.gethostname()  # the workers share the volume
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["SPARK_SCALA_VERSION"] = "2.13"  # what Spark's shell scripts say to the launcher of executors
    place = ["--host", socket.gethostname(), "--work-dir", str(folder), "--cores", "1", "--memory", "512m"]
    _daemon(settings, "worker.Worker", *place, settings.spark_master)
