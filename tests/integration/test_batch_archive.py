"""A day of real traffic is processed from the archive: an event counts once, an order counts once."""

from datetime import UTC, date, datetime
from decimal import Decimal

import batch_runs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce import archive, lake
from ecommerce.config import settings

pytestmark = pytest.mark.servers
DAY = date(2026, 5, 4)


def row(offset: int, event_id: str, name: str = "purchase", item: int = 0, transaction: str | None = "t1", **changes) -> dict:
    given = {
        "event_id": event_id, "shop_id": "demo", "event_name": name, "event_time": datetime(2026, 5, 4, 10, offset, tzinfo=UTC),
        "client_id": "c", "session_id": "s", "currency": "EUR", "transaction_id": transaction, "tax": Decimal("1.0000"),
        "item_index": item, "item_id": f"p{item}", "price": Decimal("2.5000"), "quantity": 2, "discount": Decimal("0.5000"),
        "kafka_partition": 0, "kafka_offset": offset,
    }  # fmt: skip
    return {**given, **changes}


def archived(*rows: dict) -> None:
    partition = lake.events(settings().lake_dir, "kafka", "demo", DAY)
    path = partition / "0-9" / "part.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), archive.SCHEMA), path)
    lake.publish(partition, lake.Manifest("archive", datetime.now(UTC).isoformat(), [lake.describe(partition, path, len(rows))], {}))


def test_copies_are_excluded_and_second_purchases_refused(postgres, spark):
    first = [row(0, "e1"), row(0, "e1", item=1)]
    again = [row(1, "e1"), row(1, "e1", item=1)]
    second_order, refund = row(2, "e2"), row(3, "e3", name="refund")
    archived(*again, second_order, refund, *first)
    code, last = batch_runs.run("kafka-1", "demo", "kafka", DAY.isoformat())
    assert (code, last["rows_in"], last["rows_good"], last["rows_quarantined"], last["rows_excluded"]) == (0, 4, 2, 1, 1)
    day = batch_runs.day_of("demo", DAY.isoformat())
    assert (day["orders"], day["units"], day["tax"], day["visitors"]) == (1, 4, Decimal(1), 1)
    assert (day["gross_revenue"], day["discounts"], day["refunds"], day["net_revenue"]) == (10, 1, Decimal("4.5"), Decimal("4.5"))
    found = batch_runs.findings("kafka-1")
    assert found["excluded:duplicate_event"][0]["value"] == 1
    held = batch_runs.rows("SELECT reason FROM warehouse.quarantine WHERE run_id = 'kafka-1'")
    assert held == [{"reason": "duplicate_order: counted by event e1"}]
    manifest = lake.read_manifest(lake.events(settings().lake_dir, "kafka", "demo", DAY))
    assert manifest.run_id == "archive"


def test_an_archive_without_a_column_is_refused_by_its_name(postgres, spark):
    partition = lake.events(settings().lake_dir, "kafka", "demo", date(2026, 5, 11))
    path = partition / "0-9" / "part.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row(0, "e1")], archive.SCHEMA).drop_columns(["country"]), path)
    lake.publish(partition, lake.Manifest("archive", datetime.now(UTC).isoformat(), [lake.describe(partition, path, 1)], {}))
    code, last = batch_runs.run("kafka-drift", "demo", "kafka", "2026-05-11")
    assert (code, last["message"]) == (3, "schema.no_column_dropped: 1 (part.parquet: country)")
