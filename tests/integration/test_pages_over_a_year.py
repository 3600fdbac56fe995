"""The pages over a year of data: a fixed number of quick queries each, numbers that agree with SQL, and downloads of all that is shown."""

import csv
import io
import json
import re
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
import redis
import year

from ecommerce.live import LiveState
from ecommerce.shops import Shop

SHOP = Shop("year-pages", "Harbour & Pine", "Europe/London", "GBP")
QUERIES = {
    "/sales": 9,
    "/sales?range=yesterday": 10,
    "/products": 7,
    "/products?search=oat&sort=units&page=2": 8,
    "/products/HP-1003": 7,
    "/customers": 10,
    "/funnel": 11,
    "/report": 7,
}
"""Queries of the warehouse by page, beside the one of the first steps."""


@pytest.fixture(scope="module")
def a_year(postgres, client):
    year.write(postgres, SHOP, daily=12)
    yield postgres
    with psycopg.connect(postgres.postgres_dsn("admin")) as connection:
        year.remove(connection, SHOP)


@pytest.fixture(autouse=True)
def _shop(a_year, client, redis_server, monkeypatch):
    from analytics import context, first_run, live_source

    monkeypatch.setattr(context, "shops", lambda: {SHOP.shop_id: SHOP})
    monkeypatch.setattr(live_source, "state", lambda: LiveState(redis.Redis(**redis_server.redis_options)))
    monkeypatch.setattr(first_run, "_over", {str(a_year.lake_dir)})


def text(response) -> str:
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body).replace("&amp;", "&"))


def read(client, path) -> str:
    """A download, asked as the ASGI server asks."""
    from asgiref.sync import async_to_sync
    from django.test import AsyncClient

    later = AsyncClient()
    later.cookies = client.cookies

    async def body() -> str:
        response = await later.get(path)
        return "".join([piece.decode() async for piece in response.streaming_content])

    return async_to_sync(body)()


def asked(client, path):
    """The page and its queries of the warehouse."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    assert response.status_code == 200
    return response, [one["sql"] for one in queries if "warehouse." in one["sql"]]


@pytest.mark.parametrize("path", QUERIES)
def test_a_page_asks_a_fixed_number_of_questions(client, path):
    assert len(asked(client, path)[1]) == QUERIES[path]


@pytest.mark.parametrize("path", ["/sales", "/products", "/customers", "/funnel"])
def test_a_longer_range_asks_no_more(client, path):
    days = f"?from={SHOP.today() - timedelta(days=380)}&to={SHOP.today() - timedelta(days=1)}&grain=week"
    assert len(asked(client, path + days)[1]) <= QUERIES[path]


BIG = ("mart_daily_product", "mart_daily_breakdown", "fct_order_line", "fct_order", "fct_session", "fct_cart_line", "mart_hourly_sales")


@pytest.fixture
def queries(client) -> list[tuple[str, str]]:
    """(page, query) of everything that the pages ask of the warehouse."""
    return [(path, one) for path in QUERIES for one in asked(client, path + ("&" if "?" in path else "?") + "range=last-7-days")[1]]


def read_whole(connection, queries) -> set[tuple[str, str]]:
    """(page, table) of each large table that would be read from end to end, as ``connection`` plans it."""
    found = set()
    for path, query in queries:
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}").fetchall())
        found |= {(path, table) for table in BIG if re.search(rf"Seq Scan on {table}\b", plan)}
    return found


def test_no_query_of_a_page_reads_a_table_without_its_index(a_year, queries):
    """A whole-table scan of facts or daily marts would grow with the history, not with the range."""
    with psycopg.connect(a_year.postgres_dsn("admin")) as connection:
        assert read_whole(connection, queries) == set()


def test_without_its_indexes_a_table_is_seen_to_be_read_whole(a_year, queries):
    indexes = """
        SELECT indexrelid::regclass::text, conname FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid
        WHERE indrelid = 'warehouse.mart_daily_product'::regclass"""
    with psycopg.connect(a_year.postgres_dsn("owner")) as connection:
        for index, constraint in connection.execute(indexes).fetchall():
            drop = f"ALTER TABLE warehouse.mart_daily_product DROP CONSTRAINT {constraint}" if constraint else f"DROP INDEX {index}"
            connection.execute(drop)
        found = read_whole(connection, queries)
        connection.rollback()
    assert ("/products", "mart_daily_product") in found


def test_the_ledger_the_products_and_every_split_add_up_to_net_revenue(client):
    rows = {name: list(csv.DictReader(io.StringIO(read(client, f"/download/{name}")))) for name in ("ledger.csv", "products.csv")}
    ledger = {row["line"]: Decimal(row["amount"]) for row in rows["ledger.csv"]}
    parts = ("Gross revenue", "Discounts", "Refunds", "Adjustments")
    assert sum(ledger[part] for part in parts) == ledger["Net revenue"]
    products = sum(Decimal(row["net_revenue"]) for row in rows["products.csv"])
    assert products + ledger["Adjustments"] == ledger["Net revenue"]
    for dimension in ("channel", "country", "device", "category"):
        split = csv.DictReader(io.StringIO(read(client, f"/download/breakdown.csv?dimension={dimension}")))
        assert sum(Decimal(row["net_revenue"]) for row in split) == products


def test_every_dataset_downloads_as_csv_and_json_with_the_same_rows(client):
    from analytics.datasets import DATASETS, customers, funnel, products, sales, split

    key = next(csv.DictReader(io.StringIO(read(client, "/download/customers.csv"))))["customer_key"]
    empty: list[str] = []
    for name, dataset in DATASETS.items():
        options = {"product": "HP-1003", "customer": key}
        query = "&".join(f"{one.name}={options[one.name]}" for one in dataset.options if one.required)
        written = list(csv.reader(io.StringIO(read(client, f"/download/{name}.csv?{query}"))))
        records = json.loads(read(client, f"/download/{name}.json?{query}"))
        assert written[0] == list(dataset.header), name
        assert len(records) == len(written) - 1, name
        if not records:
            empty.append(name)
            continue
        assert list(records[0]) == written[0], name
        assert all(
            isinstance(records[0][one.name], str | None) for one in dataset.columns if one.kind in ("money", "number", "text", "date")
        ), name
    shown = {one.name for module in (customers, funnel, products, sales, split) for one in module.DATASETS}
    assert not shown & set(empty)


def test_an_unknown_download_option_or_choice_names_the_remedy(client):
    assert client.get("/download/nothing.csv").status_code == 404
    assert "There are daily_sales" in text(client.get("/download/nothing.csv"))
    refused = client.get("/download/breakdown.csv?dimension=colour")
    assert (refused.status_code, refused.content.decode()) == (
        400,
        "dimension 'colour' is unknown: it is one of channel, country, device, category\n",
    )
    assert client.get("/download/product_days.csv").content.decode() == "product is missing: a product_id\n"


def test_repeat_rate_and_customers_are_counted_once_over_the_range(client, a_year):
    with psycopg.connect(a_year.postgres_dsn("web")) as connection:
        sql = (
            "SELECT count(DISTINCT customer_id) FROM warehouse.fct_order WHERE shop_id = %s AND date BETWEEN %s::date - 28 AND %s::date - 1"
        )
        (customers,) = connection.execute(sql, [SHOP.shop_id, SHOP.today(), SHOP.today()]).fetchone()
    assert f"{customers:,} customers ordered" in text(client.get("/customers"))


def test_a_customer_is_named_by_a_key_and_never_by_an_id(client, a_year):
    with psycopg.connect(a_year.postgres_dsn("web")) as connection:
        sql = "SELECT customer_id, customer_key FROM warehouse.dim_customer WHERE shop_id = %s ORDER BY lifetime_revenue DESC LIMIT 1"
        customer, key = connection.execute(sql, [SHOP.shop_id]).fetchone()
    assert f"/customers/{key}?" in client.get("/customers").content.decode()
    page = client.get(f"/customers/{key}")
    assert f"Customer {key[:12]}" in text(page)
    assert f">{customer}<" not in page.content.decode()
    assert client.get(f"/customers/{customer}").status_code == 404


def test_the_funnels_steps_never_grow(client):
    steps = json.loads(read(client, "/download/funnel.json"))
    assert [one["title"] for one in steps] == ["Sessions", "Viewed a product", "Added to cart", "Began checkout", "Bought"]
    counts = [one["sessions"] for one in steps]
    assert counts == sorted(counts, reverse=True)


def test_a_products_history_pairs_and_class_are_shown(client):
    page = text(client.get("/products/HP-1003"))
    assert "Names and prices" in page
    assert " now " in page
    assert re.search(r"Class [ABC], number \d+ by net revenue", page)
    assert client.get("/products/nobody-sells-this").status_code == 404


def test_numbers_follow_the_readers_language_and_caches_know_it(client):
    response = client.get("/sales", headers={"Accept-Language": "de-DE,de;q=0.9"})
    assert re.search(r"\d{2}\.\d{3},\d{2} £", text(response).replace("\u00a0", " "))
    assert "Accept-Language" in response.headers["Vary"]
    assert re.search(r"£\d{2},\d{3}\.\d{2}", text(client.get("/sales")))


def test_pages_are_compressed_and_each_time_of_another_length(client):
    """The random padding that hides what a compressed page's length would tell (BREACH)."""
    pages = [client.get("/funnel", headers={"Accept-Encoding": "gzip"}) for _ in range(12)]
    assert {page.headers["Content-Encoding"] for page in pages} == {"gzip"}
    assert len({len(page.content) for page in pages}) > 1
    assert max(len(page.content) for page in pages) < len(client.get("/funnel").content) / 4


def test_what_the_data_names_is_inert_on_page_and_in_downloads(client, a_year):
    name = "<img src=x onerror=alert(1)>\u202e{{ 7 }}"
    with psycopg.connect(a_year.postgres_dsn("admin")) as connection:
        connection.execute("UPDATE warehouse.dim_product SET product_name = %s WHERE shop_id = %s", [f"=HYPERLINK(1){name}", SHOP.shop_id])
    for path in ("/products", "/products/HP-1003", "/sales", "/funnel"):
        body = client.get(path).content.decode()
        assert "<img src=x" not in body, path
        assert "\u202e" not in body, path
        assert "&lt;img src=x" in body, path
    assert "'=HYPERLINK(1)<img src=x onerror=alert(1)>\ufffd{{ 7 }}" in read(client, "/download/products.csv")
    with psycopg.connect(a_year.postgres_dsn("admin")) as connection:
        connection.execute("UPDATE warehouse.dim_product SET product_name = product_id WHERE shop_id = %s", [SHOP.shop_id])
