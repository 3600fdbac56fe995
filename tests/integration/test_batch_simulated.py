"""A simulated day equals its answer key; a later run of the day shows what it changed."""

from datetime import date
from decimal import Decimal

import batch_runs
import pytest

from ecommerce import ingest
from ecommerce.shops import shop

pytestmark = pytest.mark.servers
DAY = date(2026, 3, 29)  # 23 hours long in the shop's zone


def test_a_day_equals_its_answer_key_and_a_change_is_recorded(postgres, spark):
    ingest.land_simulated("sim-1", shop("demo"), DAY, 42)
    assert batch_runs.run("sim-1", "demo", "simulated", DAY.isoformat())[0] == 0
    key, first = ingest.answer_key("demo", DAY), batch_runs.newest("demo", DAY.isoformat())
    expected = {**key["measures"], **key["distinct"]}
    assert {name: Decimal(str(first["measures"][name])) for name in expected} == {n: Decimal(str(v)) for n, v in expected.items()}

    ingest.land_simulated("sim-2", shop("demo"), DAY, 43)
    assert batch_runs.run("sim-2", "demo", "simulated", DAY.isoformat())[0] == 0
    second = batch_runs.newest("demo", DAY.isoformat())
    assert second["previous_run_id"] == "sim-1"
    assert second["changed"]["page_views"] == [first["measures"]["page_views"], second["measures"]["page_views"]]
    lines = batch_runs.rows("SELECT count(DISTINCT run_id) n FROM warehouse.fct_order_line WHERE shop_id = 'demo' AND date = %s", DAY)
    assert lines[0]["n"] == 1
