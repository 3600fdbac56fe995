"""The Connect server's operators run natively (Comet): a scan, an aggregation and a Python function with no rows in between."""

from contextlib import contextmanager, redirect_stdout
from io import StringIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.servers


@pytest.fixture
def orders(session, tmp_path):
    """A file of orders as Spark reads it."""
    pq.write_table(
        pa.table({"shop_id": ["demo"] * 4, "product_id": ["a", "b", "a", "c"], "quantity": [1, 2, 3, 4]}), tmp_path / "orders.parquet"
    )
    return session.read.parquet(str(tmp_path))


@contextmanager
def without(session, name: str):
    usual = session.conf.get(name, "true")
    session.conf.set(name, "false")
    try:
        yield
    finally:
        session.conf.set(name, usual)


def plan(frame) -> str:
    with redirect_stdout(StringIO()) as said:
        frame.explain()
    return said.getvalue()


def passed_on(batches):
    yield from batches


def test_an_aggregation_of_a_file_is_native(session, orders):
    sums = orders.groupBy("product_id").sum("quantity")
    said = plan(sums)
    assert all(operator in said for operator in ("CometNativeScan", "CometHashAggregate", "CometExchange")), said
    assert sorted(map(tuple, sums.collect())) == [("a", 4), ("b", 2), ("c", 4)]
    with without(session, "spark.comet.enabled"):  # control
        assert "Comet" not in plan(orders.groupBy("product_id").sum("quantity"))


def test_a_python_function_gets_native_batches(session, orders):
    said = plan(orders.mapInArrow(passed_on, orders.schema))
    assert "CometMapInBatch" in said, said
    assert "ColumnarToRow" not in said, said
    with without(session, "spark.comet.exec.pyarrowUDF.enabled"):  # control
        assert "ColumnarToRow" in plan(orders.mapInArrow(passed_on, orders.schema))
