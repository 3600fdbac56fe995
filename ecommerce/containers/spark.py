"""Spark's programs in a container: the Connect server, and for the cluster overlay a master or a worker."""

from __future__ import annotations

import os
import socket

from ecommerce.config import Settings
from ecommerce.local import spark

CONNECT = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--name", "Spark Connect server", "spark-internal"]


def options(settings: Settings) -> dict[str, str]:
    """The local run's options, for a driver that other containers reach by its name."""
    return spark.options(settings) | {
        "spark.driver.host": socket.gethostname(),
        "spark.driver.bindAddress": "0.0.0.0",
        "spark.connect.grpc.binding.address": "0.0.0.0",
        "spark.connect.grpc.binding.port": "15002",
        "spark.ui.port": "4040",  # the settings' ports are those that are published
    }


def run(settings: Settings) -> None:
    """Become the Connect server."""
    flags = [text for key, value in options(settings).items() for text in ("--conf", f"{key}={value}")]
    command = spark.submit_command(settings, settings.spark_driver_memory, *flags, *CONNECT)
    token = {"SPARK_CONNECT_AUTHENTICATE_TOKEN": settings.secret("spark_connect_token")}
    environment = {**os.environ, **spark.environment(), **token}
    environment.pop("SPARK_LOCAL_IP")
    os.execvpe(command[0], command, environment)
