"""The REES46 fragment: exact counts, the truncated line held back with its text, exact copies kept."""

from decimal import Decimal

import batch_runs
import pytest

from ecommerce import lake
from ecommerce.config import settings

pytestmark = pytest.mark.servers
DAY = "2019-10-01"


@pytest.fixture(scope="module")
def loaded(postgres, spark, datasets):
    batch_runs.land("rees46", "rees46", datasets / "rees46", DAY, DAY)
    code, last = batch_runs.run("rees-1", "rees46", "rees46", DAY)
    assert (code, last["rows_in"], last["rows_good"], last["rows_quarantined"]) == (0, 17435, 17434, 1)


def test_the_day_s_numbers(loaded):
    sales = batch_runs.day_of("rees46", DAY)
    assert (sales["orders"], sales["gross_revenue"], sales["visitors"], sales["sessions"]) == (214, Decimal("59442.63"), 4504, 5066)
    assert sales["tax"] is None
    funnel = batch_runs.rows("SELECT * FROM warehouse.mart_daily_funnel WHERE shop_id = 'rees46'")[0]
    assert (funnel["item_views"], funnel["add_to_carts"]) == (17055, 165)
    assert [funnel[f"reached_{step}"] for step in ("view", "cart", "checkout", "order")] == [5066, 118, None, 65]


def test_carts_without_a_purchase(loaded):
    sessions = batch_runs.rows(
        "SELECT count(*) FILTER (WHERE add_to_carts > 0 AND orders = 0) AS left, count(*) AS all FROM warehouse.fct_session WHERE shop_id = 'rees46'"
    )[0]
    assert list(sessions.values()) == [53, 5066]
    carts = batch_runs.rows("SELECT * FROM warehouse.mart_cart_abandonment WHERE shop_id = 'rees46' AND dimension = 'all'")[0]
    assert (carts["carts"], carts["ordered_in_visit"], carts["ordered_later"] + carts["abandoned"]) == (118, 65, 53)


def test_visitors_of_a_range_are_those_of_the_day(loaded):
    found = batch_runs.rows(f"SELECT warehouse.distinct_between('rees46', 'visitors', '{DAY}', '{DAY}') AS n")[0]
    assert found["n"] == 4504


def test_the_truncated_line_is_held_back_with_its_text(loaded):
    row = batch_runs.rows("SELECT * FROM warehouse.quarantine WHERE shop_id = 'rees46'")[0]
    assert (row["file"], row["line"], row["reason"]) == ("2019-Oct.csv", 17436, "not_csv: not 9 values")
    assert row["raw"].endswith("elenberg,25.71,52040330")


def test_exact_copies_are_kept_and_loading_again_changes_nothing(loaded):
    events = lake.events(settings().lake_dir, "rees46", "rees46", batch_runs.days_of(DAY, DAY)[0])
    first, before = lake.read_manifest(events), batch_runs.newest("rees46", DAY)
    assert first.rows == 17434
    assert sum(row["value"] for row in batch_runs.findings("rees-1")["exact_copies"]) == 5
    assert batch_runs.run("rees-2", "rees46", "rees46", DAY)[0] == 0
    second, after = lake.read_manifest(events), batch_runs.newest("rees46", DAY)
    assert [file.sha256 for file in second.files] == [file.sha256 for file in first.files]
    assert (after["checksum"], after["changed"]) == (before["checksum"], {})
