"""A warehouse of the first schema, with data, becomes the present one: data stays, dimensions are made from it."""

import os
import subprocess
import sys
from decimal import Decimal

import psycopg
import pytest

from ecommerce.config import PROJECT_DIR
from ecommerce.local import servers

pytestmark = pytest.mark.servers
OLD = """
INSERT INTO warehouse.dim_product VALUES ('demo', 'p', 'Old lamp', 'Lighting', NULL, '2026-01-01', '2026-01-03');
INSERT INTO warehouse.dim_customer VALUES ('demo', 'c', '2026-01-01', '2026-01-03', 2, 15);
INSERT INTO warehouse.fct_order SELECT 'demo', d, 't' || d, 'e' || d, d + time '10:00', 'c', 's', 'DE', 'Email', 'mobile', NULL, 1, 1, 10, 0, 0, 0, 'r'
FROM unnest(ARRAY[date '2026-01-01', date '2026-01-03']) d;
INSERT INTO warehouse.fct_order_line SELECT 'demo', date, event_id, 0, 'purchase', transaction_id, ordered_at, 'c', 's', 'p', 1, 10, 0, 10, 'r'
FROM warehouse.fct_order;
INSERT INTO warehouse.fct_order_line SELECT 'demo', '2026-01-03', 'e2026-01-03', place, 'purchase', 't2026-01-03', '2026-01-03 10:00Z', 'c', 's', product,
       1, 10, 0, 10, 'r'
FROM (VALUES (1, 'q'), (2, 'p')) lines (place, product);
INSERT INTO warehouse.mart_daily_product
SELECT 'demo', d, 'p', CASE WHEN d < '2026-01-03' THEN 'Old lamp' ELSE 'Lamp' END, 'Lighting', NULL, 0, 0, 1, 1, 10, 0, 0, 10, 'r'
FROM unnest(ARRAY[date '2026-01-01', date '2026-01-02', date '2026-01-03']) d;
"""


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    settings = servers.isolated_settings(tmp_path_factory.mktemp("upgrade"))
    environment = {**os.environ, **servers.environment(settings)}
    migrate = [sys.executable, str(PROJECT_DIR / "django_app" / "manage.py"), "migrate", "--database", "owner", "-v", "0"]
    with servers.running(settings, "postgres"):
        subprocess.run([*migrate, "analytics", "0002"], env=environment, check=True)
        with psycopg.connect(settings.postgres_dsn("loader"), autocommit=True) as connection:
            connection.execute(OLD)
            subprocess.run(migrate, env=environment, check=True)
            yield connection


def test_products_get_a_history_from_the_published_days(upgraded):
    rows = upgraded.execute(
        "SELECT valid_from::text, valid_to::text, is_current, product_name, price FROM warehouse.dim_product ORDER BY 1"
    )
    assert rows.fetchall() == [
        ("2026-01-01", "2026-01-03", False, "Old lamp", Decimal(10)),
        ("2026-01-03", None, True, "Lamp", Decimal(10)),
    ]


def test_customers_and_facts_stay(upgraded):
    found = upgraded.execute(
        "SELECT orders, lifetime_revenue, gross_revenue, second_order_date::text FROM warehouse.dim_customer"
    ).fetchall()
    assert found == [(2, Decimal(15), Decimal(20), "2026-01-03")]
    assert upgraded.execute("SELECT count(*) FROM warehouse.fct_order_line").fetchone() == (4,)


def test_old_lines_say_which_is_an_orders_first_of_its_product_and_category(upgraded):
    query = "SELECT item_index, first_of_product, first_of_category FROM warehouse.fct_order_line WHERE date = '2026-01-03' ORDER BY 1"
    # q has no category: only the daily mart of p says one.
    assert upgraded.execute(query).fetchall() == [(0, True, True), (1, True, True), (2, False, False)]


def test_every_table_and_column_of_the_model_says_what_it_is(upgraded):
    silent = upgraded.execute(
        """SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = 'warehouse'::regnamespace AND c.relkind IN ('r', 'v')
             AND a.attnum >= 0 AND NOT a.attisdropped
             AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"""
    )
    assert silent.fetchall() == []
