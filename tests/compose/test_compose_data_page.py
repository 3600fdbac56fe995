"""The Data page in containers: it knows the workers of other containers, and puts right what was refused or held back."""

import json
import shutil
import uuid

import pytest
from compose.stack import QUIET, purchase, until
from integration.web import Answer, Browser, field

from ecommerce.events import encode

DAY = "2011-02-11"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINES = [f"{number},22423,CAKESTAND,1,{DAY} 10:00:00,{price},17850,France\n" for number, price in ((1, "12.75"), (2, "12.75"), (3, "dear"))]


@pytest.fixture(scope="module")
def operator(stack) -> Browser:
    return stack.browser()


def raised(operator: Browser) -> list[str]:
    """What is wrong now, as the dashboard says it."""
    return [alert["message"] for alert in json.loads(operator.get("/download/alerts.json?shop=demo").text)]


def act(operator: Browser, path: str, query: str, **form: str) -> Answer:
    token = field(operator.get(f"/data?{query}"), "csrfmiddlewaretoken")
    return operator.get(f"{path}?{query}", form | {"csrfmiddlewaretoken": token})


def test_nothing_is_wrong_and_every_box_knows_its_service(stack, operator):
    until(lambda: raised(operator) == [], "nothing is wrong")
    assert (
        stack.compose("--profile", "tools", "run", "--rm", "-T", "--no-deps", "tools", "alerts")
        .strip()
        .endswith("Nothing wants attention.")
    )
    page = operator.get("/data?shop=demo").text
    assert page.count("records behind") == 2
    assert "not on this machine" not in page
    assert "no Connect server here" not in page


@pytest.mark.long
@pytest.mark.parametrize("worker", ["consumer", "archiver"])
def test_a_worker_that_is_stopped_is_missed_until_it_is_back(stack, operator, worker):
    stack.compose("stop", worker)
    until(lambda: any(message.startswith(f"{worker} has not reported since") for message in raised(operator)), "it is missed")
    stack.compose("start", worker)
    until(lambda: raised(operator) == [], "nothing is wrong any more")


@pytest.mark.long
def test_a_dag_that_airflow_cannot_read_is_said(stack, operator):
    said = "ecommerce_etl_dag.py cannot be read: PermissionError"
    stack.compose("exec", "-T", "airflow-dag-processor", "chmod", "000", "/app/var/first_start")
    try:
        until(lambda: said in operator.get("/data?shop=demo").text, "it is said")
    finally:
        stack.compose("exec", "-T", "airflow-dag-processor", "chmod", "600", "/app/var/first_start")
    until(lambda: said not in operator.get("/data?shop=demo").text, "it is read again")


def test_a_refused_event_is_put_right_on_the_page_and_counted(stack, operator):
    event = json.loads(encode(purchase())) | {"shop_id": "nowhere"}
    before = stack.live(QUIET)["totals"]["counted"]
    with stack.kafka() as producer:
        producer.send("shop.events", json.dumps(event).encode(), b"nowhere:1").get(timeout=30)
    query = f"shop={QUIET}&letters=1"
    until(lambda: event["event_id"] in operator.get(f"/data?{query}").text, "the dead letter is shown")
    answer = act(operator, "/data/replay", query, reason="unknown_shop", fix=f"shop_id={QUIET}")
    assert "1 put back, 0 were before, 0 still refused" in answer.text
    until(lambda: stack.live(QUIET)["totals"]["counted"] == before + 1, "the event is counted")


def held_back(stack) -> list[list[str]]:
    return stack.sql("SELECT file, line, reason FROM quarantine WHERE shop_id = 'uci'")


@pytest.mark.long
def test_a_row_held_back_by_a_source_of_ones_own_is_put_right_on_the_page_and_published(stack, operator):
    folder = stack.folder / "data" / "input" / str(uuid.uuid4())
    shutil.copytree(stack.folder / "spark" / "sources" / "uci_online_retail", folder / "invoices")
    (folder / f"{DAY}.csv").write_text(HEADER + "".join(LINES))
    inside = f"/app/data/input/{folder.name}"
    stack.trigger("own-file", **{"shop": "uci", "source": f"{inside}/invoices", "input": inside, "from": DAY, "to": DAY})
    stack.wait_for_run("own-file")
    assert [row[2].split(":")[0] for row in held_back(stack)] == ["bad_money"]
    query, known = f"shop=uci&from={DAY}&to={DAY}", set(stack.runs())
    answer = act(operator, "/data/release", query, day=DAY, reason="bad_money", source="invoices", fix="UnitPrice=2.50")
    assert "Airflow began" in answer.text
    (begun,) = {run for run in stack.runs() if run not in known and run in answer.text}
    stack.wait_for_run(begun)
    assert held_back(stack) == []
    assert stack.sql(f"SELECT orders, gross_revenue FROM mart_daily_sales WHERE shop_id = 'uci' AND date = '{DAY}'") == [["3", "28.0000"]]
