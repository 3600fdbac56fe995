"""Python workers are forked from a process that has imported what they need, look for cycles among their own objects alone, and for modules in no archive."""

import subprocess
import sys

import pytest
from pyspark.sql import DataFrame

from ecommerce.local import spark
from ecommerce.spark_workers import NEEDED, forget_archives

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


def archives_of(frame: DataFrame) -> list[str]:
    """The archives that a worker's tasks look for modules in."""

    def report(batches):
        import os
        import sys

        import pyarrow as pa

        known = {place for place in (*sys.path, *sys.path_importer_cache) if os.path.isfile(place)}
        for _ in batches:
            yield pa.RecordBatch.from_pylist([{"archives": sorted(known)}])

    return frame.mapInArrow(report, "archives ARRAY<STRING>").first()["archives"]


def test_a_worker_looks_for_modules_in_no_archive(session):
    assert archives_of(session.range(1)) == []


def test_the_archives_that_spark_adds_are_taken_off_the_path(monkeypatch):
    archive = next((spark.home() / "jars").glob("spark-core_*.jar"))
    monkeypatch.setattr(sys, "path", [str(archive), *sys.path])
    monkeypatch.setattr(sys, "path_importer_cache", {str(archive): None})
    assert str(archive) in sys.path
    forget_archives()
    assert str(archive) not in {*sys.path, *sys.path_importer_cache}


def test_control_a_python_of_its_own_begins_with_nothing():
    said = subprocess.run([sys.executable, "-c", REPORT.format(needed=NEEDED)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[] False"
