"""The Sales page and its downloads, over a real warehouse and a real live state."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import redis
from sales_rows import EMPTY, SHOP, TODAY, Warehouse

from ecommerce import lake
from ecommerce.events import Event, Item
from ecommerce.live import Accepted, Batch, LiveState, LiveWriter, Origin
from ecommerce.local import servers

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(scope="module")
def live_redis(tmp_path_factory):
    """A Redis of this module's own: the session's counts another log."""
    with servers.running(servers.isolated_settings(tmp_path_factory.mktemp("live")), "redis") as settings:
        yield redis.Redis(**settings.redis_options)


@pytest.fixture(autouse=True)
def _shops(client, live_redis, monkeypatch):
    from analytics import context, live_source

    known = {SHOP.shop_id: SHOP, EMPTY.shop_id: EMPTY}
    live_redis.flushall()
    monkeypatch.setattr(context, "shops", lambda: known)
    monkeypatch.setattr(live_source, "state", lambda: LiveState(live_redis))


@pytest.fixture
def warehouse(postgres, client):
    found = Warehouse(postgres)
    found.clear()
    yield found
    found.close()


def text(response) -> str:
    """What a reader sees, spaces collapsed."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body).replace("&amp;", "&").replace("\u00a0", " "))


def get(client, path="/sales", **query):
    return client.get(path, {"shop": SHOP.shop_id} | query)


async def rows(client, path, **query) -> list[dict[str, str]]:
    response = await client.get(path, {"shop": SHOP.shop_id} | query)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/csv")
    body = "".join([piece.decode() async for piece in response.streaming_content])
    return list(csv.DictReader(io.StringIO(body)))


def read(client, path, **query):
    """The rows of a download, asked as the ASGI server asks."""
    from asgiref.sync import async_to_sync
    from django.test import AsyncClient

    later = AsyncClient()
    later.cookies = client.cookies
    return async_to_sync(rows)(later, path, **query)


def count_live(live_redis, day: date, price: str) -> None:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    event = Event(
        event_id=f"00000000-0000-7000-8000-{day:%Y%m%d}0000", shop_id=SHOP.shop_id, event_name="purchase", event_time=at, client_id="c1",
        session_id="s1", currency="GBP", schema_version=1, transaction_id=f"live-{day}", items=[Item("p1", price, 1, item_name="Mug")],
    )  # fmt: skip
    writer = LiveWriter(live_redis, Origin("cluster", "topic", "id"), {SHOP.shop_id: SHOP})
    claim = writer.claim(0, 0)
    writer.apply(claim, Batch(0, claim.next, claim.next + 1, [Accepted(claim.next, event)], []), lambda refused: None)


def test_the_answer_line_says_how_much_against_what_and_how_settled(client, warehouse):
    for back in range(1, 15):
        warehouse.day(TODAY - timedelta(days=back), gross="200.0000" if back <= 7 else "100.0000")
    page = text(get(client, range="last-7-days"))
    assert "£1,190.00 net in 7 days, 100.0% more than the 7 days before. 7 days are final." in page


def test_without_earlier_data_there_is_no_percentage(client, warehouse):
    for back in range(1, 8):
        warehouse.day(TODAY - timedelta(days=back))
    page = text(get(client, range="last-7-days"))
    assert "£595.00 net in 7 days; no data for the 7 days before." in page
    assert "∞" not in page


def test_a_part_of_the_days_before_is_not_compared_with(client, warehouse):
    for back in range(1, 11):
        warehouse.day(TODAY - timedelta(days=back))
    assert "data begins 13 Nov, within the 7 days before" in text(get(client, range="last-7-days"))


def test_a_closed_day_is_a_gap_and_no_zero(client, warehouse):
    for back in (1, 2, 4, 5, 6, 7):
        warehouse.day(TODAY - timedelta(days=back))
    response = get(client, range="last-7-days")
    assert "6 days are final, 1 has no data." in text(response)
    row = re.search(r'<tr data-state="none"><th scope="row" data-short="20 Nov">.*?</tr>', response.content.decode(), re.S)[0]
    assert "data-v" not in row
    assert "–" in row


def test_the_number_of_queries_does_not_grow_with_the_range(client, warehouse):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for back in range(1, 40):
        warehouse.day(TODAY - timedelta(days=back))
    counts = []
    for name in ("last-7-days", "last-90-days", "yesterday"):
        with CaptureQueriesContext(connection) as queries:
            get(client, range=name)
        counts.append(len([one for one in queries if "warehouse." in one["sql"]]))
    assert counts == [10, 10, 11], "one day is shown by the hour, which is one more"


def test_a_measure_that_the_source_cannot_give_is_a_dash_with_a_reason(client, warehouse):
    warehouse.day(YESTERDAY, sessions=None)
    assert "Conversion rate" in text(get(client, range="yesterday"))
    assert "– the source gives no sessions" in text(get(client, range="yesterday"))


def test_a_provisional_day_is_counted_live_and_marked(client, warehouse, live_redis):
    warehouse.day(TODAY - timedelta(days=2))
    count_live(live_redis, YESTERDAY, "60.00")
    page = text(get(client, range="last-7-days"))
    assert "£145.00 net in 7 days" in page
    assert "1 day is final, 1 is provisional, 5 have no data." in page
    assert "Products £85.00 + days counted live £60.00 = net revenue £145.00." in page
    daily = {row["date"]: row for row in read(client, "/download/daily_sales.csv", range="last-7-days")}
    assert (daily["2026-11-22"]["state"], daily["2026-11-22"]["counted"], daily["2026-11-22"]["net_revenue"]) == (
        "provisional",
        "live",
        "60.0000",
    )
    assert (daily["2026-11-21"]["state"], daily["2026-11-21"]["counted"], daily["2026-11-21"]["run_id"]) == ("final", "batch", "r1")


def test_today_is_live_where_the_range_holds_it(client, warehouse, live_redis):
    warehouse.day(YESTERDAY)
    count_live(live_redis, TODAY, "12.34")
    assert "£97.34 net in 23 days" in text(get(client, range="this-month"))
    assert "1 is live" in text(get(client, range="this-month"))
    assert "£85.00 net on Sun 22 Nov" in text(get(client, range="yesterday"))


def test_real_traffic_without_a_run_of_it_makes_a_simulated_day_provisional(client, warehouse, postgres):
    warehouse.day(YESTERDAY)
    partition = lake.events(postgres.lake_dir, "kafka", SHOP.shop_id, YESTERDAY)
    lake.publish(partition, lake.Manifest("0-1", "2026-11-23T00:00:00Z"))
    assert "1 day is provisional." in text(get(client, range="yesterday"))
    warehouse.published(YESTERDAY, run_id="r2", source="kafka", at=5)
    assert "1 day is final." in text(get(client, range="yesterday"))
    (partition / lake.MANIFEST).unlink()


def test_an_unexplained_difference_between_live_and_batch_is_not_final(client, warehouse):
    warehouse.day(YESTERDAY)
    warehouse.day(TODAY - timedelta(days=2))
    warehouse.disagree(YESTERDAY)
    warehouse.disagree(TODAY - timedelta(days=2), explanation="an order of last week came twice")
    page = text(get(client, range="last-7-days"))
    assert "1 day is final, 1 is provisional" in page
    assert "live and batch differ without an explanation in orders" in page


def test_a_revision_stays_visible_with_its_difference_and_reason(client, warehouse):
    warehouse.day(YESTERDAY)
    warehouse.published(YESTERDAY, run_id="r2", at=5, changed={"net_revenue": ["0.80", "85.00"], "orders": [1, 2]})
    page = text(get(client, range="yesterday"))
    assert "22 Nov was revised on 23 Nov: +£84.20 net, +1 order. The shop delivered a late file. Run r2" in page
    assert "1 day is revised." in page


def test_a_re_run_that_changes_nothing_is_final_again(client, warehouse):
    warehouse.day(YESTERDAY)
    warehouse.published(YESTERDAY, run_id="r2", at=5, changed={"orders": [1, 2]})
    warehouse.published(YESTERDAY, run_id="r3", at=6)
    assert "1 day is final." in text(get(client, range="yesterday"))


def test_customers_are_counted_once_over_the_range(client, warehouse):
    for back in (1, 2):
        warehouse.day(TODAY - timedelta(days=back))
        warehouse.order(TODAY - timedelta(days=back), f"t{back}", "anna")
    warehouse.order(YESTERDAY, "t3", None)
    assert "1 customer ordered" in text(get(client, "/customers", range="last-7-days"))


def test_adjustments_belong_to_no_product_and_are_named(client, warehouse):
    warehouse.day(YESTERDAY, adjustments="-5.00")
    page = text(get(client, range="yesterday"))
    assert "Adjustments belong to no product: Products £85.00 − adjustments £5.00 = net revenue £80.00." in page
    assert "Gross £100.00 − discounts £10.00 − refunds £5.00 − adjustments £5.00 = net £80.00." in page


def test_products_are_compared_like_with_like(client, warehouse, live_redis):
    warehouse.day(TODAY - timedelta(days=2))
    warehouse.day(TODAY - timedelta(days=9))
    warehouse.day(TODAY - timedelta(days=8), gross="900.0000")
    count_live(live_redis, YESTERDAY, "60.00")
    previous = read(client, "/download/products.csv", range="last-7-days")[0]["previous_net_revenue"]
    assert Decimal(previous) == 85


def test_downloads_are_exact_and_hold_no_formula(client, warehouse):
    warehouse.day(YESTERDAY, gross="100.0001")
    warehouse.product(YESTERDAY, "=p2", "3.0000", name="@SUM(A1)")
    daily = read(client, "/download/daily_sales.csv", range="yesterday")
    assert (daily[0]["gross_revenue"], daily[0]["sessions"], daily[0]["conversion_rate"]) == ("100.0001", "100", "0.020000")
    products = read(client, "/download/products.csv", range="yesterday")
    assert [row["product_id"] for row in products] == ["p1", "'=p2"]
    assert products[1]["product_name"] == "'@SUM(A1)"
    lines = read(client, "/download/ledger.csv", range="yesterday")
    assert [row["line"] for row in lines] == [
        "Gross revenue",
        "Discounts",
        "Refunds",
        "Adjustments",
        "Net revenue",
        "Tax, apart",
        "Shipping, apart",
    ]
    assert lines[1]["amount"] == "-10.0000"
    assert lines[5]["amount"] == ""


def test_a_range_that_cannot_be_shown_is_refused_and_says_why(client, warehouse):
    page = get(client, **{"from": "2026-11-31", "to": "2026-12-01"})
    assert page.status_code == 400
    assert "These days cannot be shown. From &#x27;2026-11-31&#x27; is not a day: write it as 2026-11-30." in text(page)
    download = get(client, "/download/daily_sales.csv", range="last-3-days")
    assert (download.status_code, download.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")


def test_an_unknown_shop_is_not_found(client):
    assert client.get("/sales", {"shop": "nobody"}).status_code == 404
    assert client.get("/download/daily_sales.csv", {"shop": "nobody"}).status_code == 404


def test_an_empty_warehouse_says_what_to_do(client):
    page = text(client.get("/sales", {"shop": EMPTY.shop_id}))
    assert "The warehouse has no day of Empty shop yet" in page
    assert "make up" in page
    assert "ecommerce etl --shop sales-empty --from 2026-11-22" in page


def test_days_outside_the_data_lead_to_the_last_days_with_data(client, warehouse):
    for number in range(40):
        warehouse.day(date(2011, 7, 1) + timedelta(days=number))
    page = get(client)
    assert "Harbour & Pine has data of 1 Jul – 9 Aug 2011. 26 Oct – 22 Nov lies outside." in text(page)
    assert "from=2011-07-13&amp;to=2011-08-09" in page.content.decode()


def test_without_redis_final_days_still_show(client, warehouse, monkeypatch):
    from analytics import live_source

    away = redis.Redis(host="127.0.0.1", port=servers.free_port(), socket_connect_timeout=1)
    monkeypatch.setattr(live_source, "state", lambda: LiveState(away))
    warehouse.day(TODAY - timedelta(days=2))
    page = text(get(client, range="last-7-days"))
    assert "Live numbers are not loaded. Redis did not answer" in page
    assert "£85.00 net in 7 days" in page


def test_nothing_on_the_page_needs_an_inline_style_or_script(client, warehouse):
    warehouse.day(YESTERDAY)
    body = get(client, range="last-7-days").content.decode()
    assert " style=" not in body
    assert "<style" not in body
    assert not re.search(r"<script(?![^>]* src=)", body)
    assert not re.search(r"\son\w+=", body)
