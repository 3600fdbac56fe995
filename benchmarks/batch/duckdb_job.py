"""DuckDB on the same Parquet: the same facts and marts (their query.sql translated), inserted through its ATTACH of PostgreSQL."""

from __future__ import annotations

import re
import sys
import tomllib

import duckdb
import sqlglot

from benchmarks.batch.distinct import FIRST_LINES, counting_distinct
from ecommerce.config import PROJECT_DIR, settings

LINES = f"""
SELECT shop_id, date, event_id, item_index, event_name AS line_type, transaction_id, event_time AS event_at, user_id AS customer_id, session_id,
       item_id AS product_id, quantity, price, discount, CAST(price * quantity AS DECIMAL(18,4)) AS amount,
       item_category AS category, {", ".join(f"TRUE AS {name}" for name in FIRST_LINES)}, CAST(hour(event_time) AS INTEGER) AS hour
FROM events WHERE event_name IN ('purchase', 'refund', 'adjustment')"""
ORDERS = """
SELECT shop_id, date, transaction_id, event_id, min(event_time) AS ordered_at, any_value(user_id) AS customer_id,
       any_value(client_id) AS client_id, any_value(session_id) AS session_id, any_value(country) AS country,
       any_value(channel) AS channel, any_value(device) AS device, any_value(coupon) AS coupon, CAST(count(*) AS INTEGER) AS lines,
       CAST(sum(quantity) AS BIGINT) AS units, CAST(sum(price * quantity) AS DECIMAL(18,4)) AS gross_revenue,
       CAST(sum(discount) AS DECIMAL(18,4)) AS discounts, any_value(tax) AS tax, any_value(shipping) AS shipping
FROM events WHERE event_name = 'purchase' GROUP BY ALL"""
SESSIONS = """
SELECT shop_id, date, session_id, min(event_time) AS started_at, max(event_time) AS ended_at, any_value(client_id) AS client_id,
       any_value(user_id) AS customer_id, any_value(country) AS country, any_value(channel) AS channel, any_value(device) AS device,
       any_value(page) AS exit_page,
       count(*) FILTER (WHERE event_name = 'page_view') AS page_views, count(*) FILTER (WHERE event_name = 'view_item') AS item_views,
       count(*) FILTER (WHERE event_name = 'add_to_cart') AS add_to_carts,
       count(*) FILTER (WHERE event_name = 'begin_checkout') AS checkouts, count(*) FILTER (WHERE event_name = 'purchase') AS orders,
       0 AS step
FROM events WHERE item_index = 0 AND session_id IS NOT NULL GROUP BY ALL"""
VISITORS = """
SELECT shop_id, date, client_id, min(event_time) AS first_seen_at, max(event_time) AS last_seen_at, count(*) AS events
FROM events WHERE item_index = 0 AND client_id IS NOT NULL GROUP BY ALL"""
FACTS = {"fct_order_line": LINES, "fct_order": ORDERS, "fct_session": SESSIONS, "fct_visitor": VISITORS}
EMPTY = "CREATE TABLE fct_cart_line AS SELECT * FROM pg.warehouse.fct_cart_line LIMIT 0"


def main(extension: str, parquet: str, day: str, threads: str) -> None:
    c = settings()
    connection = duckdb.connect(config={"threads": int(threads)})
    connection.execute(f"LOAD '{extension}'")
    place = f"host={c.postgres_host} port={c.postgres_port} dbname={c.postgres_database} user=loader password={c.secret('postgres_loader_password')}"
    connection.execute(f"ATTACH '{place}' AS pg (TYPE postgres)")
    connection.execute("SET TimeZone = 'Europe/Berlin'")
    connection.execute(
        f"CREATE TABLE events AS SELECT *, DATE '{day}' AS date, CAST(hour(event_time) AS INTEGER) AS hour FROM read_parquet('{parquet}/*.parquet')"
    )
    for name, query in FACTS.items():
        connection.execute(f"CREATE TABLE {name} AS {query}")
    connection.execute(EMPTY)
    _marts(connection)
    tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'memory'").fetchall()]
    connection.execute("BEGIN")
    for name in (name for name in tables if name not in ("events", "fct_cart_line")):
        described = connection.execute(f"DESCRIBE pg.warehouse.{name}").fetchall()
        columns = ", ".join(row[0] for row in described if row[0] != "run_id")
        connection.execute(f"INSERT INTO pg.warehouse.{name} ({columns}, run_id) SELECT {columns}, 'duckdb' FROM {name}")
    connection.execute("COMMIT")


def _marts(connection: duckdb.DuckDBPyConnection) -> None:
    for folder in sorted((PROJECT_DIR / "spark" / "marts").glob("*/")):
        if not (folder / "query.sql").is_file():
            continue
        table = tomllib.loads((folder / "mart.toml").read_text(encoding="utf-8")).get("table")
        text = re.sub(r"\{(\w+)\}", r"\1", (folder / "query.sql").read_text(encoding="utf-8"))
        text = counting_distinct(text)
        text = re.sub(r":has_\w+", "TRUE", text).replace("'MM'", "'MONTH'")
        (translated,) = sqlglot.transpile(text, read="spark", write="duckdb")
        # What sqlglot has no word for.
        translated = re.sub(r"INLINE\((\[.*?\])\)", r"UNNEST(\1, recursive := true)", translated)
        connection.execute(f"CREATE TABLE {table} AS {translated}")


if __name__ == "__main__":
    main(*sys.argv[1:])
