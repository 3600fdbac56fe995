"""Raw lines to classified rows of the event contract: each input row is good, quarantined with a reason or excluded by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import judging
import lines
import shop_clock
from inputs import Block, Partition
from pyspark.cloudpickle import register_pickle_by_value
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType
from sources import Source

from ecommerce.events import EVENT_NAMES, NEED_ITEMS
from ecommerce.shops import Shop

register_pickle_by_value(lines)
register_pickle_by_value(judging)

MONEY = "DECIMAL(18,4)"
MONEY_TEXT = r"^-?[0-9]{1,13}([.][0-9]{1,4})?$"
OFFSET_TEXT = r"[+-][0-9]{2}:[0-9]{2}$"
CONTRACT: dict[str, str] = {
    "event_id": "STRING", "shop_id": "STRING", "event_name": "STRING", "event_time": "TIMESTAMP",
    "client_id": "STRING", "session_id": "STRING", "user_id": "STRING", "country": "STRING", "device": "STRING",
    "channel": "STRING", "page": "STRING", "currency": "STRING", "transaction_id": "STRING", "tax": MONEY,
    "shipping": MONEY, "coupon": "STRING", "item_index": "INT", "item_id": "STRING", "item_name": "STRING",
    "item_category": "STRING", "item_brand": "STRING", "price": MONEY, "quantity": "BIGINT", "discount": MONEY,
}  # fmt: skip
OPTIONAL = ("client_id", "session_id", "user_id", "country", "channel", "device", "item_category", "price", "tax", "shipping")
"""What a source may lack; a mart reads :has_<name>, so that a measure that needs it is NULL, never 0."""
OF_THE_EVENT = (
    "event_id",
    "event_time",
    "client_id",
    "session_id",
    "user_id",
    "country",
    "device",
    "channel",
    "page",
    "tax",
    "shipping",
    "coupon",
)
MARKS = {
    "_reason": "STRING", "_excluded": "STRING", "_part": "DATE", "_day": "DATE", "_counts": "BOOLEAN", "_copy": "BOOLEAN",
    "_number": "INT", "_file": "STRING", "_line": "BIGINT", "_raw": "STRING",
}  # fmt: skip
"""What is known of a staged row besides the contract's columns.

``_reason`` why it is quarantined and ``_excluded`` the name under which it is left out (both NULL: it is good);
``_part`` the first day of its input partition; ``_day`` the shop's day, NULL where none is known; ``_counts`` marks
one row an input row; ``_copy``: an earlier row of its partition is equal; its place in the files; its text, where it may be refused.
"""
STAGED = ", ".join(f"{name} {kind}" for name, kind in {**CONTRACT, **MARKS}.items())
LARGE_DAY_ROWS = 200_000
"""Input rows of a day beyond which its rows are judged in several tasks: a task holds all that it judges in memory."""
BLOCK_SCHEMA = "number INT, path STRING, file STRING, start BIGINT, end BIGINT, first_line BIGINT, from_date DATE, to_date DATE"
ARCHIVE_EXTRAS = "kafka_partition INT, kafka_offset BIGINT"


@dataclass(frozen=True)
class Staged:
    """Rows of ``STAGED`` in tasks as the lake writer needs them, what judges them there, and the contract's columns that the source lacks."""

    rows: DataFrame
    verdicts: tuple[Callable[[Any], Any], ...]
    absent: frozenset[str]


@dataclass(frozen=True)
class Spread:
    """How the run's rows lie in ``tasks``. One task needs no shuffle.

    ``of_days``: every input partition is one day; ``whole_days``: and all of a day's rows lie in one task.
    """

    tasks: int
    of_days: bool = False
    whole_days: bool = False

    @classmethod
    def over(cls, parts: list[Partition], tasks: int) -> Spread:
        of_days = all(part.from_date == part.to_date for part in parts)
        small = all(part.manifest.rows <= LARGE_DAY_ROWS for part in parts)
        return cls(tasks, of_days, of_days and small and tasks <= len(parts))

    def day_in_one_task(self, days: int) -> bool:
        """Whether the lake writer, of a run over ``days`` days, has all rows of a day in one task."""
        return self.tasks == 1 or self.whole_days or (not self.of_days and self.tasks <= days)

    def together(self, rows: DataFrame, part: str, key: str) -> DataFrame:
        """``rows`` with those of one input partition and ``key`` in one task; windows over both need no further shuffle."""
        if self.tasks == 1:
            return rows.coalesce(1)
        return rows.repartition(self.tasks, part, *([] if self.whole_days else [key]))

    def by_day(self, rows: DataFrame, days: int) -> DataFrame:
        """Judged rows in the lake writer's order, those of a day in one task, or in several where a day is large."""
        if self.tasks > 1 and not self.of_days:
            rows = rows.repartition(self.tasks, "_day", *(["event_id"] if self.tasks > days else []))
        return rows.sortWithinPartitions("event_time", "event_id", "item_index")


def raw_lines(spark: SparkSession, source: Source, blocks: list[Block], shop: Shop, spread: Spread) -> DataFrame:
    """The raw rows that staging.sql reads: the source's columns, ``_file``, ``_line``, ``_raw``, ``_event_id`` and ``_row``."""
    read = lines.reader(source.encoding, source.multiline, source.format == "csv" and source.header, source.separator)
    rows = [(b.number, b.path, b.file, b.start, b.end, b.first_line, b.from_date, b.to_date) for b in blocks]
    found = spark.createDataFrame(rows, BLOCK_SCHEMA)
    if spread.tasks == 1:
        found = found.coalesce(1)
    else:
        found = found.repartition(min(spread.tasks, len(blocks)), "from_date" if spread.whole_days else "number")
    raw = _parsed(found.mapInArrow(read, lines.SCHEMA), source, blocks)
    names = [F.col(f"_parsed.`{name}`").alias(name) for name in source.columns]
    what = f"not_csv: not {len(names)} values" if source.format == "csv" else "not_json: no object of the declared types"
    broken = F.col("_parsed._corrupt").isNotNull() | F.col("_parsed").isNull()
    damage = F.coalesce("_damage", F.when(broken, F.lit(what)))
    raw = _with_content_id(raw.withColumn("_damage", damage), source, shop, spread)
    row = F.struct("_number", "_file", "_line", "_raw", "_damage", "_from", "_to", "_event_id", "_copy")
    return raw.select(*names, "_file", "_line", "_raw", "_event_id", row.alias("_row"))


def archived(spark: SparkSession, folder: Path, paths: list[Path]) -> DataFrame:
    """The raw rows of the archive's files ``paths`` below the shop's ``folder``. Their place is the Kafka partition and offset."""
    ddl = ", ".join(f"{name} {kind}" for name, kind in CONTRACT.items())
    row = F.struct(
        F.col("kafka_partition").alias("_number"), F.concat(F.lit("kafka/"), "kafka_partition").alias("_file"),
        F.col("kafka_offset").alias("_line"),
        F.lit("").alias("_raw"), F.lit(None).cast("STRING").alias("_damage"), F.col("date").alias("_from"), F.col("date").alias("_to"),
        F.lit(None).cast("STRING").alias("_event_id"), F.lit(False).alias("_copy"),
    )  # fmt: skip
    return dated_files(spark, folder, paths, f"{ddl}, {ARCHIVE_EXTRAS}").select(*CONTRACT, row.alias("_row"))


def dated_files(spark: SparkSession, folder: Path, paths: list[Path], ddl: str) -> DataFrame:
    """The rows of Parquet files below the folders ``date=…`` of ``folder``: the columns of ``ddl`` and ``date``."""
    schema = f"{ddl}, date DATE"
    if not paths:
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).option("basePath", str(folder)).parquet(*map(str, paths))


def _parsed(raw: DataFrame, source: Source, blocks: list[Block]) -> DataFrame:
    """Add ``_parsed``: the source's columns, by name whatever their order in a file, and ``_corrupt``."""
    headers: dict[tuple[str, ...], list[int]] = {}
    for block in blocks:
        headers.setdefault(block.header, []).append(block.number)
    if all(header in ((), tuple(source.columns)) for header in headers):
        return raw.withColumn("_parsed", _parse(source, source.columns))
    for place, (header, numbers) in enumerate(headers.items()):
        # A column that the source does not declare is read and left.
        kinds = {name: source.columns.get(name, "STRING") for name in header}
        mine = F.lit(True) if len(headers) == 1 else F.col("_number").isin(numbers)
        raw = raw.withColumn(f"_parsed_{place}", F.when(mine, _parse(source, kinds)))
    values = {}
    for name, kind in {**source.columns, "_corrupt": "STRING"}.items():
        having = [F.col(f"_parsed_{place}.`{name}`") for place, header in enumerate(headers) if name in (*header, "_corrupt")]
        values[name] = F.coalesce(*having, F.lit(None).cast(kind))
    return raw.withColumn("_parsed", F.struct(*[value.alias(name) for name, value in values.items()]))


def _parse(source: Source, kinds: dict[str, str]) -> Column:
    schema = ", ".join(f"`{name}` {kind}" for name, kind in {**kinds, "_corrupt": "STRING"}.items())
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_corrupt"}
    if source.format == "json":
        return F.from_json("_raw", schema, options)
    return F.from_csv("_raw", schema, {**options, "sep": source.separator, "quote": '"', "escape": '"', "maxCharsPerColumn": "-1"})


def _with_content_id(raw: DataFrame, source: Source, shop: Shop, spread: Spread) -> DataFrame:
    """Add ``_event_id``, a UUIDv8 of (shop, source, row, occurrence number), and ``_copy``: an earlier row of its partition is equal."""
    if source.event_ids == "source":
        return raw.withColumns({"_event_id": F.lit(None).cast("STRING"), "_copy": F.lit(False)})
    values = F.to_json(F.struct(*[f"_parsed.`{name}`" for name in source.columns]))
    raw = raw.withColumn("_canonical", F.when(F.col("_damage").isNull(), values).otherwise(F.col("_raw")))
    equal = Window.partitionBy("_canonical", "_from").orderBy("_number", "_line")
    raw = spread.together(raw, "_from", "_canonical").withColumn("_occurrence", F.row_number().over(equal))
    content = F.concat_ws("\x1f", F.lit(shop.shop_id), F.lit(source.name), "_canonical", F.col("_occurrence").cast("STRING"))
    # Each step its own column: an expression that is used in several places is computed in each.
    raw = raw.withColumn("_digest", F.sha2(content, 256))
    return raw.withColumns({"_event_id": uuid8(F.col("_digest")), "_copy": F.col("_occurrence") > 1})


def uuid8(digest: Column) -> Column:
    """The UUID, version 8, of the first 128 bits of a SHA-256 in hex."""
    variant = F.substring(F.lit("89ab89ab89ab89ab"), F.conv(F.substring(digest, 17, 1), 16, 10).cast("INT") + 1, F.lit(1))
    part = lambda start, length: F.substring(digest, start, length)  # noqa: E731
    return F.concat(
        part(1, 8), F.lit("-"), part(9, 4), F.lit("-8"), part(14, 3), F.lit("-"), variant, part(18, 3), F.lit("-"), part(21, 12)
    )


def stage(spark: SparkSession, source: Source, raw: DataFrame, shop: Shop, spread: Spread, days: int, ids: Path | None) -> Staged:
    """``raw`` through the source's staging.sql, as the whole contract, for the lake writer of a run over ``days`` days.

    Where a day's rows lie in many tasks they are dealt by order, which puts an event's rows together but for one that names two
    orders. So the events of each task are noted in the folder ``ids``: where judging.torn finds one in two tasks, the rows must be
    staged anew without ``ids``, dealt by event first and then by order.
    """
    arguments = {"shop_id": shop.shop_id, "time_zone": shop.time_zone, "currency": shop.currency}
    # Braces other than {raw} are the query's own, as in a regular expression.
    query = source.staging_sql.replace("{", "{{").replace("}", "}}").replace("{{raw}}", "{raw}")
    flat = spark.sql(query, args=arguments, raw=raw)
    given = set(flat.columns)
    rows = _complete(flat, given, source, shop)
    rows = rows.withColumn(
        "_reason", F.coalesce("_row._damage", F.when(F.col("_excluded").isNull(), F.coalesce("_reason", violation(shop, "price" in given))))
    )
    # The text of a row that cannot be refused any more is left here: it would be most of what is carried below.
    needed = F.col("_reason").isNotNull() | (F.col("event_name") == "purchase")
    rows = rows.withColumn("_row", F.col("_row").withField("_raw", F.when(needed, F.col("_row._raw"))))
    rows = _out_of_range(rows.withColumn("_part", F.col("_row._from")), shop)
    if source.event_ids == "content":
        rows, verdicts = spread.by_day(_marked(_by_content(rows, spread)), days), ()
    else:
        # Were an item's index wrong, the rows would not be as many as ingest counted.
        rows = _marked(rows.withColumn("_counts", F.coalesce("item_index", F.lit(0)) == 0))
        in_place = spread.whole_days and spread.tasks > 1 and source.format != "events" and not _moves_rows(flat)
        rows, verdicts = _by_event_id(rows, spread, days, in_place, ids)
    return Staged(rows, verdicts, frozenset(set(CONTRACT) - given))


def _moves_rows(flat: DataFrame) -> bool:
    """Whether a staging.sql, as one that groups or joins does, takes rows away from the task that read them."""
    with redirect_stdout(StringIO()) as plan:
        flat.explain()
    return plan.getvalue().count("Exchange") > 1  # one is that of the blocks to read


def _marked(rows: DataFrame) -> DataFrame:
    """The columns of ``STAGED``."""
    inside = F.col("_day").between(F.col("_row._from"), F.col("_row._to"))
    only_day = F.when(F.col("_row._from") == F.col("_row._to"), F.col("_row._from"))
    found = {name: F.col(f"_row.{name}") for name in ("_copy", "_number", "_file", "_line", "_raw")}
    found["_day"] = F.coalesce(F.when(inside, F.col("_day")), only_day)
    return rows.select(*CONTRACT, *[found.get(name, F.col(name)).alias(name) for name in MARKS])


def _complete(flat: DataFrame, given: set[str], source: Source, shop: Shop) -> DataFrame:
    """Every column of the contract in its type, ``_excluded``, ``_reason`` and ``_row``; absent ones NULL."""
    texts = {field.name for field in flat.schema.fields if isinstance(field.dataType, StringType)}
    columns = {name: _typed(name, kind, name in texts) if name in given else F.lit(None).cast(kind) for name, kind in CONTRACT.items()}
    if source.event_ids == "content":
        columns |= {"event_id": F.col("_row._event_id"), "item_index": F.lit(0)}
    columns["shop_id"] = columns["shop_id"] if "shop_id" in given else F.lit(shop.shop_id)
    if "price" in given:
        columns["discount"] = F.coalesce(columns["discount"], F.when(columns["item_id"].isNotNull(), F.lit(0).cast(MONEY)))
    if "quantity" not in given:
        columns["quantity"] = F.when(columns["item_id"].isNotNull(), F.lit(1).cast("BIGINT"))
    columns |= {name: F.col(name).cast("STRING") if name in given else F.lit(None).cast("STRING") for name in ("_excluded", "_reason")}
    bad = [F.when(~F.col(name).rlike(MONEY_TEXT), f"bad_money: {name}") for name in ("tax", "shipping", "discount") if name in texts]
    columns["_reason"] = F.coalesce(columns["_reason"], *bad)
    return flat.select(*[column.alias(name) for name, column in columns.items()], "_row")


def _typed(name: str, kind: str, is_text: bool) -> Column:
    """The column in its type, NULL where it is not of it: text is not rounded to money, nor given a zone that it does not name."""
    column = F.col(name)
    if is_text and kind == MONEY:
        column = F.when(column.rlike(MONEY_TEXT), column)
    elif is_text and kind == "TIMESTAMP":
        column = F.when(column.endswith("Z") | column.rlike(OFFSET_TEXT), column)  # most end with Z, and no pattern need look
    return column.try_cast(kind)


def violation(shop: Shop, has_price: bool) -> Column:
    """Why a row is not of the contract, ``reason: detail``; NULL where it is. The reasons are those of ecommerce.events.

    A source without prices (``has_price`` false) has items and orders, and no money.
    """
    c = F.col
    has_items, is_correction = c("event_name").isin(*sorted(NEED_ITEMS)), c("event_name") == "adjustment"
    rules = [
        (c("event_name").isNull() | ~c("event_name").isin(*EVENT_NAMES), "unknown_event: event_name"),
        (c("event_id").isNull(), "missing_field: event_id"),
        (c("shop_id").isNull() | (c("shop_id") != shop.shop_id), "unknown_shop: shop_id"),
        (c("event_time").isNull(), "bad_time: event_time"),
        (c("currency").isNull(), "missing_field: currency"),
        (c("currency") != shop.currency, f"currency_mismatch: the shop's currency is {shop.currency}"),
        (has_items & c("item_id").isNull(), "missing_field: item_id"),
        (c("item_id").isNotNull() & c("price").isNull() & F.lit(has_price), "bad_money: price"),
        (c("item_id").isNotNull() & c("quantity").isNull(), "bad_type: quantity"),
        (c("quantity") < 1, "bad_type: quantity below 1"),
        (~is_correction & (c("price") < 0), "bad_money: price below 0"),
        (~is_correction & ((c("discount") < 0) | (c("discount") > c("price") * c("quantity"))), "bad_money: discount"),
        ((c("tax") < 0) | (c("shipping") < 0), "bad_money: tax or shipping below 0"),
        ((c("event_name") == "purchase") & c("transaction_id").isNull(), "missing_field: transaction_id"),
    ]
    return F.coalesce(*[F.when(rule, F.lit(reason)) for rule, reason in rules])


def _accepted() -> Column:
    return F.col("_reason").isNull() & F.col("_excluded").isNull()


def _out_of_range(rows: DataFrame, shop: Shop) -> DataFrame:
    """Add ``_day`` and exclude rows of days that their partition does not cover."""
    inside = F.col("_day").between(F.col("_row._from"), F.col("_row._to"))
    rows = rows.withColumn("_day", shop_clock.date(F.col("event_time"), shop.time_zone))
    return rows.withColumn("_excluded", F.coalesce("_excluded", F.when(~inside, F.lit("outside_range"))))


def _by_content(rows: DataFrame, spread: Spread) -> DataFrame:
    """Rows of one (transaction_id, event_name) become one event with the id, time and attributes of its first row.

    An input partition at a time: a range then gives what its days give one by one.
    """
    many = _accepted() & F.col("transaction_id").isNotNull()
    key = F.when(many, F.concat_ws("\x1f", "event_name", "transaction_id")).otherwise(F.col("event_id"))
    rows = spread.together(rows.withColumn("_key", key), "_part", "_key")
    window = Window.partitionBy("_key", "_part").orderBy("_row._number", "_row._line")
    changed = {name: F.first(name).over(window) for name in OF_THE_EVENT}
    rows = rows.withColumns({**changed, "item_index": F.row_number().over(window) - 1, "_day": F.first("_day").over(window)})
    return rows.withColumn("_counts", F.lit(True))


def _by_event_id(
    rows: DataFrame, spread: Spread, days: int, in_place: bool, ids: Path | None
) -> tuple[DataFrame, tuple[Callable[[Any], Any], ...]]:
    """Rows of ``STAGED`` for the lake writer, and the verdicts that are its first step.

    ``in_place``: all rows of a day still lie in the task that read them. ``ids``: see :func:`stage`.
    """
    of_events, of_orders, ordered = judging.lines_and_copies, judging.one_event_an_order, judging.in_order_of_time
    if spread.tasks == 1 or spread.whole_days:
        return rows if in_place else spread.together(rows, "_part", "event_id"), (of_events, of_orders, ordered)
    verdicts = (of_events, of_orders)
    if ids:
        verdicts = (judging.ids_noted(str(ids)), *verdicts)
    else:
        rows, verdicts = spread.together(rows, "_part", "event_id").mapInArrow(judging.judged(of_events), STAGED), (of_orders,)
    of_an_order = F.when(F.col("event_name") == "purchase", F.concat(F.lit("order "), "transaction_id"))
    rows = spread.together(rows.withColumn("_key", F.coalesce(of_an_order, "event_id", F.lit(""))), "_part", "_key").drop("_key")
    if spread.of_days:
        return rows, (*verdicts, ordered)
    return spread.by_day(rows.mapInArrow(judging.judged(*verdicts), STAGED), days), ()
