"""The Data page: what it shows of runs, checks, rows held back and reconciliation, and who may act."""

import csv
import io

import psycopg
import pytest
from web import Answer, Browser, field, sign_in_as

ROWS = """
INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, started_at, finished_at, rows_in, rows_good, rows_quarantined, rows_excluded, message)
VALUES ('data-1', 'newcomer', 'simulated', '2026-01-05', '2026-01-05', 'blocked', '2026-01-06 02:00+00', '2026-01-06 02:03+00', 10, 8, 2, 0, 'stopped by <b>net</b>');
INSERT INTO warehouse.quality_result (run_id, shop_id, date, check_name, severity, passed, value, detail)
VALUES ('data-1', 'newcomer', '2026-01-05', 'net_equals_parts', 'blocking', false, 3, 'three rows');
INSERT INTO warehouse.quarantine (run_id, shop_id, source, date, file, line, reason, raw)
VALUES ('data-1', 'newcomer', 'simulated', '2026-01-05', 'a.jsonl', 7, 'bad_money: price', '=cmd|''/c calc''!A1 <script>alert(1)</script>' || chr(27) || '[31m');
INSERT INTO warehouse.reconciliation (shop_id, date, measure, live, batch, agrees, explanation, run_id)
VALUES ('newcomer', '2026-01-05', 'orders', 10, 11, false, '1 late event', 'data-1');
"""
QUERY = "shop=newcomer&from=2026-01-05&to=2026-01-05"
POSTS = ["/data/run", "/data/release", "/data/replay"]


@pytest.fixture(scope="module")
def people(dashboard, postgres) -> dict[str, Browser]:
    with psycopg.connect(postgres.postgres_dsn("loader")) as connection:
        connection.execute(ROWS)
    return {role: sign_in_as(dashboard, f"data-{role}", role) for role in ("viewer", "operator")}


@pytest.fixture(scope="module")
def page(people) -> Answer:
    return people["operator"].get(f"/data?{QUERY}")


def act(browser: Browser, path: str, **form: str) -> Answer:
    token = field(browser.get(f"/data?{QUERY}"), "csrfmiddlewaretoken")
    return browser.get(f"{path}?{QUERY}", form | {"csrfmiddlewaretoken": token})


@pytest.mark.parametrize(
    "text", ["Stopped by check", "net_equals_parts", "bad_money", "a.jsonl:7", "1 late event", "Explained", "PostgreSQL"]
)
def test_it_shows_runs_checks_rows_held_back_and_reconciliation(page, text):
    assert page.status == 200
    assert text in page.text


def test_what_came_from_outside_is_inert(page, people):
    assert "<script>alert" not in page.text
    assert "stopped by &lt;b&gt;net" in page.text
    assert "\x1b" not in page.text
    table = people["viewer"].get(f"/download/quarantine_rows.csv?{QUERY}").text
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["raw"].startswith("'=cmd")
    assert "\x1b" not in row["raw"]


@pytest.mark.parametrize("path", POSTS)
def test_a_viewer_sees_no_button_and_may_not_act(people, path):
    assert f'action="{path}' not in people["viewer"].get(f"/data?{QUERY}").text
    assert act(people["viewer"], path, day="2026-01-05", reason="bad_money").status == 403


@pytest.mark.parametrize("path", POSTS)
def test_no_action_without_its_csrf_token(people, path):
    assert people["operator"].get(f"{path}?{QUERY}", {"day": "2026-01-05"}).status == 403


@pytest.mark.parametrize("path", POSTS)
def test_an_action_is_no_link(people, path):
    assert people["operator"].get(path).status == 405


def test_an_action_that_fails_says_why_and_is_logged(people, postgres):
    answer = act(people["operator"], "/data/run", day="2026-01-05")
    assert "Airflow at" in answer.text
    assert "make status" in answer.text
    with psycopg.connect(postgres.postgres_dsn("web")) as connection:
        found = connection.execute(
            "SELECT username, target, outcome, at, address FROM analytics_action WHERE action = 'trigger run'"
        ).fetchall()
    ((username, target, outcome, at, address),) = found
    assert (username, target, str(address)) == ("data-operator", "newcomer 2026-01-05", "127.0.0.1")
    assert outcome.startswith("not done: Airflow")
    assert at.tzinfo


@pytest.mark.parametrize("day", ["", "2026-13-01", "'; DROP TABLE"])
def test_a_malformed_day_is_said(people, day):
    assert "not done" in act(people["operator"], "/data/run", day=day).text
