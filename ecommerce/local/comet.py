"""Comet, a plugin of Spark: most operators and shuffles run natively over Arrow batches, the rest as ever.

``python -m ecommerce.local.comet`` fetches it where it is missing (part of ``make setup``). Its options are those of
https://datafusion.apache.org/comet/user-guide/latest/configs.html
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import zipfile
from pathlib import Path

from ecommerce.config import Settings, settings
from ecommerce.local import jars
from ecommerce.local.server import LocalError

MACHINES = {"x86_64": "amd64", "aarch64": "aarch64"}
LIBRARY = jars.COMET.folder / "libcomet.so"


def fetch(config: Settings) -> None:
    """Put the jar and its native library into their folder; nothing happens when they are there.

    The jar would unpack the library at each start of a Java, into a folder for temporary files.

    Raises:
        LocalError: the network does not give the jar, gives another than pinned, or it has no library for this machine.
    """
    jars.fetch(config, jars.COMET)
    if LIBRARY.exists():
        return
    if platform.machine() not in MACHINES:
        raise LocalError(f"Comet has no library for {platform.machine()}: use a machine of {' or '.join(MACHINES)}")
    aside = LIBRARY.with_suffix(".tmp")
    member = f"org/apache/comet/linux/{MACHINES[platform.machine()]}/libcomet.so"
    with zipfile.ZipFile(jar()) as archive, archive.open(member) as library, aside.open("wb") as target:
        shutil.copyfileobj(library, target)
    os.replace(aside, LIBRARY)


def jar() -> Path:
    """Of the plugin, for the class paths of Spark's driver and executors."""
    ((_, name, version),) = jars.COMET.modules
    return jars.COMET.folder / f"{name}-{version}.jar"


def used(config: Settings) -> bool:
    """Whether Spark gets it: not where it is given no memory."""
    return config.spark_native_memory.rstrip("kmgtb") != "0"


def options(config: Settings) -> dict[str, str]:
    """Spark's configuration of it, for the driver and its executors; nothing where it is not used."""
    if not used(config):
        return {}
    return {
        "spark.plugins": "org.apache.spark.CometPlugin",
        "spark.shuffle.manager": "org.apache.spark.sql.comet.execution.shuffle.CometShuffleManager",
        "spark.comet.exec.pyarrowUDF.enabled": "true",  # mapInArrow gets Comet's batches as they are
        "spark.comet.explain.fallback.enabled": "false",  # what it leaves to Spark is no warning
        "spark.memory.offHeap.enabled": "true",
        "spark.memory.offHeap.size": config.spark_native_memory,
        "spark.executor.extraClassPath": str(jar()),
        "spark.executor.extraLibraryPath": str(LIBRARY.parent),
    }


if __name__ == "__main__":
    try:
        fetch(settings())
    except LocalError as problem:
        sys.exit(f"error: {problem}")
