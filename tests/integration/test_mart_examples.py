"""Every mart's example: from small tables of events to the rows that its folder says, on real Spark in one session."""

import tomllib
from pathlib import Path

import connect
import facts
import facts_frames
import judging
import marts
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from load import SPARK_TYPES
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from staging import CONTRACT, OPTIONAL

from ecommerce import warehouse

pytestmark = pytest.mark.servers
DEFAULTS = {"shop_id": "demo", "currency": "EUR", "item_index": "0"}
ITEM = {"quantity": "1", "discount": "0"}
CASES = [
    pytest.param(path.parent, case, id=f"{path.parent.name}: {case['name']}")
    for path in sorted(marts.MARTS_DIR.glob("*/example.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]


def table(text: str) -> list[dict[str, str]]:
    """The rows of a table drawn with ``|``; an empty cell is no value."""
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [{name: cell for name, cell in zip(header, line, strict=True) if cell} for line in lines]


def events(session: SparkSession, text: str) -> DataFrame:
    """Accepted events of the contract; what an example leaves out is a sensible default or NULL."""
    given = [{**DEFAULTS, **(ITEM if "item_id" in row else {}), **row} for row in table(text)]
    values = [[row.get(name) for name in CONTRACT] for row in given]
    raw = session.createDataFrame(values, ", ".join(f"{name} STRING" for name in CONTRACT))
    texts = {name: F.concat(name, F.lit("Z")) if name == "event_time" else F.col(name) for name in CONTRACT}
    typed = [texts[name].cast(kind).alias(name) for name, kind in CONTRACT.items()]
    return facts_frames.with_hour(raw.select(*typed, F.to_date("event_time").alias("date")), "UTC")


def fact_frames(session: SparkSession, given: DataFrame, schemas: dict) -> dict[str, DataFrame]:
    """The facts of ``given``, made as a run makes them, a day at a time."""
    rows = judging.in_order_of_time(given.select(*CONTRACT, "date").toArrow())
    days = [facts.of_a_day(facts.TABLES, rows.filter(pc.equal(rows["date"], day))) for day in pc.unique(rows["date"]).to_pylist()]
    frames = {}
    for name, schema in schemas.items():
        columns = {field.name: SPARK_TYPES[field.type] for field in schema}
        parts = [day[name].select(list(columns)) for day in days if name in day]
        ddl = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        made = session.createDataFrame(pa.concat_tables(parts)) if parts else session.createDataFrame([], ddl)
        frames[name] = made.select(*[F.col(column).cast(kind) for column, kind in columns.items()])
    frames["fct_order_line"] = facts_frames.with_hour(frames["fct_order_line"], "UTC", "event_at")
    return frames


@pytest.fixture(scope="module")
def schemas(postgres) -> dict:
    with warehouse.connect() as connection:
        return {name: warehouse.schema_of(connection, name) for name in facts.TABLES}


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_a_mart_gives_the_rows_of_its_example(session, schemas, folder: Path, case: dict):
    mart = marts.load(folder)
    given = events(session, case["events"])
    frames = fact_frames(session, given, schemas) | ({"events": given} if mart.scope == "day" else {})
    flags = {f"has_{name}": name not in case.get("absent", []) for name in OPTIONAL}
    expected = table(case["expected"])
    columns = [cell.strip() for cell in case["expected"].strip().splitlines()[0].split("|")]
    with connect.named(session, {name: frame for name, frame in frames.items() if name in mart.reads()}) as views:
        found = session.sql(mart.query.format(**views), args=flags)
        rows = found.select(*[F.col(name).cast("STRING") for name in columns]).collect()
    shown = [{name: row[name] for name in columns if row[name] is not None} for row in rows]
    assert sorted(shown, key=str) == sorted(expected, key=str)


def test_every_shipped_mart_has_an_example():
    without = [path.parent.name for path in marts.MARTS_DIR.glob("*/mart.toml") if not path.with_name("example.toml").is_file()]
    assert without == []
