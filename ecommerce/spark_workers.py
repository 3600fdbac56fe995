"""The process that Spark's Python workers are forked from: it imports once what each of them needs.

Run by executors: ``python -m ecommerce.spark_workers pyspark.worker`` (setting ``spark.python.daemon.module``).
"""

from __future__ import annotations

import gc
import importlib

from pyspark.daemon import manager

NEEDED = ("adbc_driver_postgresql.dbapi", "pandas", "pyarrow.compute", "pyarrow.parquet", "ecommerce.events", "ecommerce.warehouse")


def main() -> None:
    for name in NEEDED:
        importlib.import_module(name)
    gc.freeze()  # a worker looks for reference cycles after every task: among its own objects, not all of these
    manager()


if __name__ == "__main__":
    main()
