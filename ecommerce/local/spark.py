"""The Spark Connect server on the wheel's Java."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.local import comet, java, probes
from ecommerce.local.server import LocalError, Server

PACKAGES = ["java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"]
PACKAGES += ["java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs"]
PACKAGES += ["sun.security.action", "sun.util.calendar"]
JVM = ["-XX:+IgnoreUnrecognizedVMOptions", "-Djdk.reflect.useDirectMethodHandle=false", "-Dio.netty.tryReflectionSetAccessible=true"]
JVM += ["-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true", "-Djava.awt.headless=true"]
JVM += ["-XX:MetaspaceSize=256m"]  # below that size no full collection for classes' sake
# Where Spark compiles classes for its queries, the optimising compiler waits for what is truly hot: it took half of a cold day's time.
PATIENT = ["-XX:Tier4InvocationThreshold=50000", "-XX:Tier4MinInvocationThreshold=10000", "-XX:Tier4CompileThreshold=100000"]
PATIENT += ["-XX:Tier4BackEdgeThreshold=400000"]

# Comet's batches come and go: by default glibc keeps most of their memory.
MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "32768", "MALLOC_TRIM_THRESHOLD_": "131072"}


def home() -> Path:
    """pyspark's folder, which is Spark's home."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise LocalError("pyspark is not installed: run `make setup`")
    return Path(spec.origin).parent


def submit_command(settings: Settings, heap: str, *arguments: str) -> list[str]:
    """``spark-submit arguments`` without Spark's launcher, which insists on modules that a trimmed Java lacks."""
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in PACKAGES]
    jvm = [
        java.program(settings),
        f"-Xmx{heap}",
        *JVM,
        *PATIENT,
        *opens,
        f"-Djava.library.path={comet.LIBRARY.parent}",
        "-cp",
        f"{home()}/jars/*:{comet.jar()}",
    ]
    return [*jvm, "org.apache.spark.deploy.SparkSubmit", *arguments]


def environment() -> dict[str, str]:
    """Variables for Spark and its Python workers: this Python, this project, loopback alone."""
    python = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "PYTHONPATH": str(PROJECT_DIR)}
    return {**python, "SPARK_HOME": str(home()), "SPARK_LOCAL_IP": "127.0.0.1", **MALLOC}


def options(settings: Settings) -> dict[str, str]:
    """Spark's configuration of the local run; times end in their unit."""
    folder = settings.var_dir / "spark"
    return {
        "spark.master": settings.spark_master,
        "spark.driver.host": settings.host,
        "spark.driver.bindAddress": settings.host,
        "spark.local.dir": str(folder / "scratch"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.autoBroadcastJoinThreshold": "-1",  # a broadcast is a job of its own, dearer than the small sorts that it saves
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",  # files by name need no job that lists them
        "spark.shuffle.sort.bypassMergeThreshold": "2",  # else a task writes a file for each other task: a year's 114 tasks 13,000
        "spark.sql.codegen.cache.maxEntries": "2000",  # a run's classes are compiled once, not by every run
        "spark.python.daemon.module": "ecommerce.spark_workers",
        "spark.sql.session.timeZone": "UTC",
        "spark.speculation": "false",
        "spark.ui.port": str(settings.spark_ui_port),
        "spark.port.maxRetries": "0",
        "spark.sql.ui.explainMode": "simple",  # told anew after every stage, of the whole query
        "spark.ui.retainedJobs": "200",
        "spark.ui.retainedStages": "200",
        "spark.sql.ui.retainedExecutions": "100",
        "spark.connect.grpc.binding.address": settings.host,
        "spark.connect.grpc.binding.port": str(settings.spark_connect_port),
        "spark.connect.session.manager.defaultSessionTimeout": "24h",
        "spark.log.level": "WARN",
        **comet.options(settings),
    }


def _ready(settings: Settings) -> None:
    probes.port(settings.host, settings.spark_connect_port)
    probes.page(f"http://{settings.host}:{settings.spark_ui_port}/api/v1/version")


def server(settings: Settings) -> Server:
    """The Connect server with its UI; clients need the token of the secret ``spark_connect_token``."""
    folder = settings.var_dir / "spark"
    flags = [text for key, value in options(settings).items() for text in ("--conf", f"{key}={value}")]
    main = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--name", "Spark Connect server", "spark-internal"]
    return Server(
        name="spark",
        command=submit_command(settings, settings.spark_driver_memory, *flags, *main),
        cwd=folder,
        ready=lambda: _ready(settings),
        env={**environment(), "SPARK_CONNECT_AUTHENTICATE_TOKEN": settings.secret("spark_connect_token")},
        prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
    )
