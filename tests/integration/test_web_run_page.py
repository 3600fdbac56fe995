"""The page of a run: what it read, how long it took, and why the numbers of the days that it revised changed."""

import psycopg
import pytest
from web import Answer, Browser, sign_in_as

FILE, OLD_FILE = "a" * 64, "b" * 64
ROWS = f"""
INSERT INTO warehouse.etl_run (run_id, shop_id, source, from_date, to_date, status, started_at, finished_at, rows_in, rows_good, rows_quarantined, rows_excluded, code_version, inputs, steps)
VALUES ('page-1', 'newcomer', 'till', '2026-01-15', '2026-01-15', 'published', '2026-01-16 02:00+00', '2026-01-16 02:01+00', 10, 10, 0, 0, '0.1.0+111111111111',
        '[{{"path": "landing/source=till/shop=newcomer/date=2026-01-15", "files": [{{"path": "page-1/till.csv", "rows": 10, "sha256": "{OLD_FILE}"}}]}}]', '{{"spark: load": 3.5}}'),
       ('page-2', 'newcomer', 'till', '2026-01-15', '2026-01-15', 'published', '2026-01-17 02:00+00', '2026-01-17 02:03:05+00', 12, 9, 2, 1, '0.1.0+222222222222',
        '[{{"path": "landing/source=till/shop=newcomer/date=2026-01-15", "files": [{{"path": "page-2/till.csv", "rows": 12, "sha256": "{FILE}"}}]}}]', '{{"spark: load": 7.5, "publish": 1.25}}'),
       ('page-3', 'newcomer', 'till', '2026-01-16', '2026-01-16', 'blocked', '2026-01-17 03:00+00', '2026-01-17 03:01+00', 5, 0, 5, 0, '0.1.0+222222222222', '[]', '{{}}');
UPDATE warehouse.etl_run SET message = 'stopped by <b>rows</b>' WHERE run_id = 'page-3';
INSERT INTO warehouse.etl_run_day (run_id, shop_id, date, source, checksum, measures, previous_run_id, changed, row_changes, published_at)
VALUES ('page-1', 'newcomer', '2026-01-15', 'till', 'x', '{{}}', NULL, '{{}}', '{{}}', '2026-01-16 02:01+00'),
       ('page-2', 'newcomer', '2026-01-15', 'till', 'y', '{{}}', 'page-1', '{{"orders": [7, 9], "net_revenue": ["70.0000", "91.5000"]}}',
        '{{"fct_order": {{"added": 2, "removed": 0, "changed": 1}}}}', '2026-01-17 02:03+00');
INSERT INTO warehouse.quality_result (run_id, shop_id, date, check_name, severity, passed, value, detail)
VALUES ('page-2', 'newcomer', '2026-01-15', 'run.nothing_quarantined', 'warning', false, 2, 'of 12 input rows'),
       ('page-2', 'newcomer', '2026-01-15', 'run.rows_in_is_the_ingest_count', 'blocking', true, 12, '');
"""


@pytest.fixture(scope="module")
def viewer(dashboard, postgres) -> Browser:
    with psycopg.connect(postgres.postgres_dsn("loader")) as connection:
        connection.execute(ROWS)
    return sign_in_as(dashboard, "run-viewer", "viewer")


@pytest.fixture(scope="module")
def page(viewer) -> Answer:
    return viewer.get("/data/runs/page-2?shop=newcomer")


@pytest.mark.parametrize(
    "text",
    [
        "0.1.0+222222222222",
        FILE,
        "page-2/till.csv",
        "date=2026-01-15",
        "spark: load",
        "7.5",
        "0:03:05",
        "run.nothing_quarantined",
        "1 of 2 passed",
        "Done, revised",
    ],
)
def test_it_shows_inputs_code_durations_and_checks(page, text):
    assert page.status == 200
    assert text in page.text


@pytest.mark.parametrize(
    "text", ["€70.00", "€91.50", "€21.50", "Run page-1 before", "its input files changed and the code changed", "fct_order"]
)
def test_it_says_what_changed_on_a_revised_day_and_why(page, text):
    assert text in page.text


def test_a_run_that_revised_nothing_shows_no_difference(viewer):
    page = viewer.get("/data/runs/page-1?shop=newcomer")
    assert page.status == 200
    assert "what changed" not in page.text


def test_a_run_that_was_stopped_says_why_and_is_inert(viewer):
    page = viewer.get("/data/runs/page-3?shop=newcomer")
    assert "Stopped by check" in page.text
    assert "stopped by &lt;b&gt;rows" in page.text
    assert "The run read no file" in page.text


def test_the_data_page_leads_to_it(viewer):
    assert 'href="/data/runs/page-2?shop=newcomer' in viewer.get("/data?shop=newcomer&from=2026-01-15&to=2026-01-15").text


def test_a_run_of_another_shop_is_shown_with_its_shop(viewer):
    assert 'data-shop="newcomer"' in viewer.get("/data/runs/page-2?shop=demo").text


def test_an_unknown_run_is_not_found(viewer):
    page = viewer.get("/data/runs/nowhere?shop=newcomer")
    assert page.status == 404
    assert "no run nowhere" in page.text.lower()


def test_only_people_who_signed_in_see_it(dashboard, viewer):
    assert "/signin" in Browser(dashboard).get("/data/runs/page-2?shop=newcomer").url
