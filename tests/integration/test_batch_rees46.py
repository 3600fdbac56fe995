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
