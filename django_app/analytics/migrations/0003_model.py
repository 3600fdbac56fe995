"""Dimensions with history, carts, visitors, linked refunds and the marts; comments for every table and column of the model."""

import tomllib
from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).parent
SCHEMA = (FOLDER / "0003_model.sql").read_text(encoding="utf-8")
COMMENTS = tomllib.loads((FOLDER / "0003_comments.toml").read_text(encoding="utf-8"))

HISTORY = """
WITH known AS (
    SELECT
        shop_id,
        product_id,
        date,
        (max(ARRAY[date::text, product_name]) FILTER (WHERE product_name IS NOT NULL) OVER days)[2] AS product_name,
        (max(ARRAY[date::text, category]) FILTER (WHERE category IS NOT NULL) OVER days)[2] AS category,
        (max(ARRAY[date::text, brand]) FILTER (WHERE brand IS NOT NULL) OVER days)[2] AS brand,
        (max(ARRAY[date::text, price::text]) FILTER (WHERE price IS NOT NULL) OVER days)[2]::numeric(18,4) AS price
    FROM warehouse.mart_daily_product
    WINDOW days AS (PARTITION BY shop_id, product_id ORDER BY date)
), compared AS (
    SELECT
        *,
        row_number() OVER days = 1 OR (product_name, category, brand, price) IS DISTINCT FROM
            (lag(product_name) OVER days, lag(category) OVER days, lag(brand) OVER days, lag(price) OVER days) AS is_new
    FROM known
    WINDOW days AS (PARTITION BY shop_id, product_id ORDER BY date)
), spans AS (
    SELECT *, lead(date) OVER (PARTITION BY shop_id, product_id ORDER BY date) AS next_date FROM compared WHERE is_new
)
INSERT INTO warehouse.dim_product (shop_id, product_id, valid_from, valid_to, is_current, product_name, category, brand, price)
SELECT shop_id, product_id, date, next_date, next_date IS NULL, product_name, category, brand, price FROM spans
"""


def comment(editor, connection, table: str, texts: dict[str, str]) -> None:
    """Comment on ``warehouse.<table>`` and on each of its columns; one without a text stops the migration."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", [f"warehouse.{table}"]
        )
        columns = [name for (name,) in cursor.fetchall()]
    kind = "VIEW" if table == "fct_refund" else "TABLE"
    editor.execute(f"COMMENT ON {kind} warehouse.{table} IS {quoted(texts['_row'])}")
    for name in columns:
        editor.execute(f"COMMENT ON COLUMN warehouse.{table}.{name} IS {quoted(texts.get(name) or COMMENTS['_any'][name])}")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def comments(apps, editor) -> None:
    for table, texts in COMMENTS.items():
        if table != "_any":
            comment(editor, editor.connection, table, texts)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_models")]
    operations = [
        migrations.RunSQL(SCHEMA),
        migrations.RunSQL(HISTORY),
        migrations.RunPython(comments, migrations.RunPython.noop),
    ]
