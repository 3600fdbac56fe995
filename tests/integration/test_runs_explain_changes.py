"""A run keeps its inputs, code, rows and durations; a re-run that changes a day says what and why."""

from datetime import date

import batch_runs
import pytest
from click.testing import CliRunner

from ecommerce import ingest, runs
from ecommerce.cli import cli
from ecommerce.config import settings
from ecommerce.shops import shop

pytestmark = pytest.mark.servers
DAY = date(2026, 3, 11)
TOML = """
[files]
glob = "*.csv"
date_from = "column"
[read]
format = "csv"
event_ids = "content"
[columns]
receipt = "STRING"
at = "STRING"
price = "STRING"
"""
SQL = """
SELECT 'purchase' AS event_name, at AS event_time, :currency AS currency, receipt AS transaction_id, 'mug' AS item_id, PRICE AS price,
       CATEGORY AS item_category, _row
FROM {raw}
"""


def ran(run_id: str, seed: int) -> None:
    ingest.land_simulated(run_id, shop("demo"), DAY, seed)
    assert batch_runs.run(run_id, "demo", "simulated", DAY.isoformat())[0] == 0


def test_the_difference_names_files_code_rows_and_measures(postgres, spark):
    for run_id, seed in (("why-1", 42), ("why-2", 42), ("why-3", 43)):
        ran(run_id, seed)
    first, same, other = (runs.show(settings(), f"why-{number}") for number in (1, 2, 3))
    (file,) = first["inputs"][0]["files"]
    assert (len(file["sha256"]), file["rows"]) == (64, first["rows_in"])
    assert {"ingest", "spark: stage", "spark: load", "checks", "publish"} <= set(first["steps"])
    assert first["days"][0]["checksum"] == same["days"][0]["checksum"] != other["days"][0]["checksum"]
    assert (first["days"][0]["row_changes"], same["days"][0]["row_changes"], same["days"][0]["changed"]) == ({}, {}, {})

    found = runs.difference(settings(), "demo", DAY)
    assert (found.run_id, found.previous_run_id, found.code) == ("why-3", "why-2", None)
    assert len(found.inputs_added) == len(found.inputs_removed) == 1
    assert "input files changed" in found.why
    before, after, off = found.measures["page_views"]
    assert off == after - before != 0
    lines = batch_runs.rows("SELECT count(*) n FROM warehouse.fct_order_line WHERE shop_id = 'demo' AND date = %s", DAY)[0]["n"]
    assert 0 < found.rows["fct_order_line"]["added"] <= lines

    shown = CliRunner().invoke(cli, ["runs", "show", "why-3"]).output
    assert "2026-03-11 revised: run why-2 > why-3, because its input files changed" in shown
    assert file["sha256"] in CliRunner().invoke(cli, ["runs", "show", "why-1"]).output
    assert "why-2" in CliRunner().invoke(cli, ["runs", "list", "--shop", "demo", "--date", DAY.isoformat()]).output


def test_a_changed_staging_sql_is_other_code(postgres, spark, tmp_path):
    source, day = tmp_path / "stall", "2026-03-13"
    source.mkdir()
    (source / "source.toml").write_text(TOML)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "stall.csv").write_text("receipt,at,price\n1,2026-03-13T09:00:00Z,7.90\n")
    for run_id, price, category in (("code-1", "price", "NULL"), ("code-2", "'8.00'", "NULL"), ("code-3", "'8.00'", "'Cups'")):
        (source / "staging.sql").write_text(SQL.replace("PRICE", price).replace("CATEGORY", category))
        batch_runs.land("demo", str(source), tmp_path / "in", day, day, "code-0")
        assert batch_runs.run(run_id, "demo", str(source), day)[0] == 0
    found = runs.difference(settings(), "demo", date.fromisoformat(day), "code-2")
    assert found.code is not None
    assert (found.why, found.inputs_added, found.inputs_removed) == ("the code changed", [], [])
    only_rows = runs.difference(settings(), "demo", date.fromisoformat(day))
    assert (only_rows.why, only_rows.measures) == ("the code changed", {})
    assert only_rows.rows["fct_order_line"] == {"added": 0, "removed": 0, "changed": 1}
    shown = CliRunner().invoke(cli, ["runs", "show", "code-3"]).output
    assert "no measure changed" in shown
    assert "fct_order_line: 0 rows added, 0 removed, 1 changed" in shown
    assert runs.listing(settings(), "demo", date.fromisoformat(day), limit=1)[0]["days_revised"] == 1

    assert batch_runs.run("code-3", "demo", str(source), day)[0] == 0
    tried_again = runs.difference(settings(), "demo", date.fromisoformat(day))
    assert (tried_again.run_id, tried_again.rows) == ("code-3", only_rows.rows), "a retry of a published run keeps what it had changed"


def test_an_unknown_run_is_named(postgres):
    with pytest.raises(runs.RunError, match="no run nowhere"):
        runs.show(settings(), "nowhere")
