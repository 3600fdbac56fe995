"""The archive takes each offset of a log at most once for a shop-day, whatever is repeated or left half-way."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shop_events import SHOP, event, purchase

from ecommerce import archive, archived_log, lake
from ecommerce.archive import Archive, Archived, ArchiveInUse
from ecommerce.events import FLAT_SCHEMA, Item
from ecommerce.stream import Log

LOG = Log("cluster", "shop.events", "a1830353-1866-43f9-b035-8e0756cbe183", 2)
DAY = date(2026, 6, 1)


@pytest.fixture
def store(tmp_path):
    made = Archive(tmp_path, LOG, {"demo": SHOP})
    yield made
    made.close()


def rows(first, last, partition=0, minutes=0.0):
    return [Archived(partition, offset, event(minutes=minutes)) for offset in range(first, last)]


def offsets(root, day=DAY):
    found = [pq.read_table(path) for path in lake.files(lake.events(root, "kafka", "demo", day))]
    return sorted(pa.concat_tables(found)["kafka_offset"].to_pylist()) if found else []


def test_rows_are_the_flattened_contract_and_their_place_in_the_log():
    items = [Item("A", "1.5", 2, item_name="Mug"), Item("B", "0.0001", 1, discount="0.0001")]
    table = archive.table([Archived(1, 7, purchase("T", items=items)), Archived(1, 8, event())])
    assert table.schema.names[:-2] == FLAT_SCHEMA.names
    assert table["item_index"].to_pylist() == [0, 1, 0]
    assert table["price"].to_pylist() == [Decimal("1.5000"), Decimal("0.0001"), None]
    assert table["tax"].to_pylist() == [Decimal("3.0000")] * 2 + [None]
    assert table["kafka_offset"].to_pylist() == [7, 7, 8]


def test_a_flush_is_one_file_a_partition_named_by_its_offsets(store, tmp_path):
    store.write(rows(0, 3) + rows(10, 12, partition=1), {0: 3, 1: 12})
    manifest = lake.read_manifest(lake.events(tmp_path, "kafka", "demo", DAY))
    assert [file.path.rpartition("/")[2] for file in manifest.files] == [
        "shop.events-p0-000000000000-000000000002.parquet",
        "shop.events-p1-000000000010-000000000011.parquet",
    ]
    assert manifest.details["offsets"] == {f"{LOG.topic_id}/0": 3, f"{LOG.topic_id}/1": 12}


def test_the_same_records_again_add_nothing(store, tmp_path):
    assert store.write(rows(0, 3), {0: 3}) == 3
    assert store.write(rows(0, 3), {0: 3}) == 0
    assert store.write(rows(1, 5), {0: 5}) == 2
    assert offsets(tmp_path) == [0, 1, 2, 3, 4]


def test_a_crash_between_two_days_is_made_good(store, tmp_path, monkeypatch):
    both = [*rows(0, 2), Archived(0, 2, event(minutes=24 * 60))]
    publish, published = lake.publish, []

    def dies_at_the_second(partition, manifest):
        if published:
            raise OSError("no space left on device")
        published.append(partition)
        publish(partition, manifest)

    with monkeypatch.context() as patch:
        patch.setattr(lake, "publish", dies_at_the_second)
        with pytest.raises(OSError, match="no space"):
            store.write(both, {0: 3})
    assert (offsets(tmp_path), offsets(tmp_path, date(2026, 6, 2))) == ([0, 1], [])
    assert store.write(both, {0: 3}) == 1
    assert (offsets(tmp_path), offsets(tmp_path, date(2026, 6, 2))) == ([0, 1], [2])


def test_a_topic_made_again_is_another_log(store, tmp_path):
    store.write(rows(0, 3), {0: 3})
    store.close()
    again = Archive(tmp_path, LOG._replace(topic_id="b0000000-0000-0000-0000-000000000000"), {"demo": SHOP})
    assert again.write(rows(0, 2), {0: 2}) == 2
    assert offsets(tmp_path) == [0, 0, 1, 1, 2]
    again.close()
    store._lock = archive._lock(tmp_path / "events" / "source=kafka" / ".archiver.lock")


def test_many_small_files_become_one_with_every_row(store, tmp_path):
    for offset in range(archive.MERGE_FILES + 3):
        store.write(rows(offset, offset + 1), {0: offset + 1})
    manifest = lake.read_manifest(lake.events(tmp_path, "kafka", "demo", DAY))
    assert len(manifest.files) == 4
    assert offsets(tmp_path) == list(range(archive.MERGE_FILES + 3))


def test_a_day_that_is_over_gets_few_files_with_every_row(store, tmp_path):
    for offset in range(5):
        store.write(rows(offset, offset + 1) + rows(offset, offset + 1, partition=1), {0: offset + 1, 1: offset + 1})
    before = archived_log.day_events(tmp_path, "demo", DAY)
    assert store.close_days(datetime.now(UTC)) == 0
    later = datetime.now(UTC) + timedelta(hours=1)
    kept = [(number, offset, event.event_id) for number, offset, event in before]
    assert (store.close_days(later), store.close_days(later)) == (1, 0)
    manifest = lake.read_manifest(lake.events(tmp_path, "kafka", "demo", DAY))
    assert len(manifest.files) == 2
    assert manifest.details["offsets"] == {f"{LOG.topic_id}/0": 5, f"{LOG.topic_id}/1": 5}
    assert [(number, offset, event.event_id) for number, offset, event in archived_log.day_events(tmp_path, "demo", DAY)] == kept


def test_the_lake_says_up_to_where_it_is_whole(store, tmp_path):
    store.begin(0, 0, 0)
    store.write(rows(0, 3), {0: 4})
    store.write([], {0: 9})
    log = archived_log.ArchivedLog(tmp_path, LOG.topic_id)
    assert (log.span(0), log.span(1), store.archived(0)) == (archived_log.Span(0, 9), None, 9)
    assert [offset for offset, _ in log.events(0, 1, 3)] == [1, 2]


def test_a_second_archiver_is_refused(store, tmp_path):
    with pytest.raises(ArchiveInUse, match=r"another archiver \(process \d+\)"):
        Archive(tmp_path, LOG, {"demo": SHOP})
