"""For tests: events laid into the lake as the batch would."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ecommerce import lake
from ecommerce.events import FLAT_SCHEMA, Event

MONEY = ("tax", "shipping", "price", "discount")


def rows(event: Event) -> list[dict]:
    """The event as it lies in the lake: one row an item; money as text."""
    head = {name: getattr(event, name, None) for name in FLAT_SCHEMA.names}
    lines = [{name: getattr(item, name) for name in item.__struct_fields__} for item in event.items] or [{}]
    return [{**head, **line, "item_index": index} for index, line in enumerate(lines)]


def publish(root: Path, source: str, shop_id: str, day: date, flat: list[dict], files: int = 2) -> None:
    """Publish the rows ``flat`` as the shop-day of ``source``, dealt out over ``files`` files."""
    partition = lake.events(root, source, shop_id, day)
    (partition / "run").mkdir(parents=True)
    text = pa.schema([pa.field(f.name, pa.string()) if f.name in MONEY else f for f in FLAT_SCHEMA])
    entries = []
    for number in range(files):
        path = partition / "run" / f"{number}.parquet"
        table = pa.Table.from_pylist(flat[number::files], schema=text).cast(FLAT_SCHEMA)
        pq.write_table(table, path)
        entries.append(lake.describe(partition, path, table.num_rows))
    lake.publish(partition, lake.Manifest("run", "2026-03-06T00:00:00Z", entries))
