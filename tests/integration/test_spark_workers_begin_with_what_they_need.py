"""Python workers are forked from a process that has imported what they need, and look for cycles among their own objects alone."""

import subprocess
import sys

import pytest
from pyspark.sql import DataFrame

from ecommerce.spark_workers import NEEDED

pytestmark = pytest.mark.servers
REPORT = "import gc, sys; print([name for name in {needed} if name in sys.modules], gc.get_freeze_count() > 10_000)"


def reported(frame: DataFrame) -> tuple[list[str], bool]:
    """What a worker has, before it does anything."""
    needed = NEEDED

    def report(batches):
        import gc
        import sys

        import pyarrow as pa

        there, frozen = [name for name in needed if name in sys.modules], gc.get_freeze_count() > 10_000
        for _ in batches:
            yield pa.RecordBatch.from_pylist([{"there": there, "frozen": frozen}])

    row = frame.mapInArrow(report, "there ARRAY<STRING>, frozen BOOLEAN").first()
    return row["there"], row["frozen"]


def test_a_worker_begins_with_what_it_needs(session):
    assert reported(session.range(1)) == (list(NEEDED), True)


def test_control_a_python_of_its_own_begins_with_nothing():
    said = subprocess.run([sys.executable, "-c", REPORT.format(needed=NEEDED)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[] False"
