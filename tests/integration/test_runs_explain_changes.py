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


def test_an_unknown_run_is_named(postgres):
    with pytest.raises(runs.RunError, match="no run nowhere"):
        runs.show(settings(), "nowhere")
