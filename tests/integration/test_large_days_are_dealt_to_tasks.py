"""A day whose rows lie in many tasks gives the same verdicts and tables as in one: dealt by order, or, where an event names two orders, by event first."""

import json
import subprocess
import sys

import batch_runs
import psycopg
import pytest
from checksums import of_shop

from ecommerce import etl
from ecommerce.config import settings

pytestmark = pytest.mark.servers
SHOP, DAY = "demo", "2025-04-02"
TORN = "an event names two orders"
ROWS_A_TASK = """
import sys
import batch_processing, lakestep, staging
lakestep.ROWS_A_TASK, staging.LARGE_DAY_ROWS = {tasks}, {tasks}
if {blind}:
    lakestep.judging.torn = lambda folder: False
sys.exit(batch_processing.main(sys.argv[1:]))
"""


def event(number: int, name: str, session: int, **more) -> dict:
    said = {
        "event_id": f"00000000-0000-7000-8000-{number:012}",
        "schema_version": 1,
        "shop_id": SHOP,
        "event_name": name,
        "currency": "EUR",
    }
    said |= {"event_time": f"{DAY}T10:{number % 60:02}:00Z", "client_id": f"c{session % 5}", "session_id": f"s{session}"}
    return {**said, "country": "IE", "channel": "Direct", "device": "mobile", **more}


def item(code: str, price: str = "2.50") -> dict:
    return {"item_id": code, "item_name": code, "item_category": "Things", "price": price, "quantity": 2, "discount": "0.10"}


def order(number: int, transaction_id: str, *codes: str) -> dict:
    return event(
        number, "purchase", number % 9, transaction_id=transaction_id, tax="1.00", shipping="2.00", items=[item(code) for code in codes]
    )


def a_day() -> list[dict]:
    seen = [event(n, "view_item", n % 9, items=[item(f"p{n % 4}")]) for n in range(20)]
    carts = [event(100 + n, "add_to_cart", n % 9, items=[item(f"p{n % 4}")]) for n in range(12)]
    bought = [order(200 + n, f"T{n}", "p1", "p2", f"p{n % 4}") for n in range(12)]
    bad = [order(300, "T99", "p1") | {"currency": "USD"}]
    return [*seen, *carts, *bought, *bad, bought[3], seen[5], order(301, "T3", "p1")]


def land(run_id: str, events: list[dict]) -> None:
    body = "".join(json.dumps(one) + "\n" for one in events).encode()
    batch_runs.land_lines(SHOP, "simulated", DAY, "events.jsonl", body, len(events), run_id)


def run(run_id: str, rows_a_task: int, blind: bool = False) -> tuple[dict, str]:
    """The last line of the protocol, and the log; the job deals ``rows_a_task`` to a task. ``blind``: torn events are not looked for."""
    arguments = ["--run-id", run_id, "--shop", SHOP, "--source", "simulated", "--from", DAY, "--to", DAY]
    child = subprocess.run(
        [sys.executable, "-c", ROWS_A_TASK.format(tasks=rows_a_task, blind=blind), *arguments],
        cwd=batch_runs.JOB.parent,
        env=etl.spark_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    return json.loads(child.stdout.splitlines()[-1]), child.stderr


def held_back() -> list[tuple]:
    with psycopg.connect(settings().postgres_dsn("reader")) as connection:
        query = "SELECT line, reason FROM warehouse.quarantine WHERE shop_id = %s AND date = %s ORDER BY 1"
        return connection.execute(query, (SHOP, DAY)).fetchall()


def test_many_tasks_give_what_one_gives(postgres, spark):
    land("one", a_day())
    alone, _ = run("one", 100_000)
    expected = of_shop(SHOP), held_back()
    assert (alone["status"], alone["rows_quarantined"], alone["rows_excluded"]) == ("published", 2, 2)

    dealt, said = run("many", 7)
    assert {**dealt, "message": ""} == {**alone, "message": ""}
    assert (of_shop(SHOP), held_back()) == expected
    assert TORN not in said

    land("torn", [*a_day(), order(202, "T77", "p3")])  # an event that has come before, with another order
    dealt, said = run("torn", 7)
    assert dealt["rows_excluded"] == 3
    assert (of_shop(SHOP), held_back()) == expected
    assert TORN in said

    control, _ = run("control", 7, blind=True)
    assert control["status"] == "blocked"
    assert "facts.lines_are_unique" in control["message"]
