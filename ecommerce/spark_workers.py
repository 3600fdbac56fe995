"""The process that Spark's Python workers are forked from: it imports once what each of them needs.

Run by executors: ``python -m ecommerce.spark_workers pyspark.worker`` (setting ``spark.python.daemon.module``).
"""

from __future__ import annotations

import gc
import importlib
import os
import sys

NEEDED = ("adbc_driver_postgresql.dbapi", "pandas", "pyarrow.compute", "pyarrow.parquet", "ecommerce.events", "ecommerce.warehouse")


def main() -> None:
    forget_archives()
    for name in NEEDED:
        importlib.import_module(name)
    from pyspark.daemon import manager

    gc.freeze()  # a worker looks for reference cycles after every task: among its own objects, not all of these
    manager()


def forget_archives() -> None:
    """Take archives off the path: Spark puts its own there, whose pyspark is installed, and every task would read their lists anew."""
    sys.path[:] = [place for place in sys.path if not os.path.isfile(place)]
    sys.path_importer_cache.clear()


if __name__ == "__main__":
    main()
