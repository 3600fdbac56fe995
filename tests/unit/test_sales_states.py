"""What makes a shop-day live, provisional, final or revised."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ecommerce.day_states import DayState, Run, least_settled, state_of

TODAY = date(2026, 11, 23)
DAY = date(2026, 11, 20)


def run(source="simulated", changed=None, covers=False, unexplained=()):
    return Run("r1", source, datetime(2026, 11, 21, 1, tzinfo=UTC), changed or {}, covers, unexplained)


def state(day=DAY, found=None, archived=False, counted_live=False) -> DayState:
    return state_of(day, TODAY, found, archived, counted_live)


def test_today_is_live_whatever_ran():
    assert state(TODAY).name == state(TODAY, run()).name == "live"


def test_a_day_without_run_or_events_has_no_data():
    assert state().name == "none"


@pytest.mark.parametrize("came", [{"archived": True}, {"counted_live": True}])
def test_a_day_with_events_but_no_run_is_provisional(came):
    assert state(**came).name == "provisional"


def test_a_published_day_is_final():
    assert state(found=run()).name == "final"


def test_real_events_that_no_run_holds_make_a_simulated_day_provisional():
    found = state(found=run("simulated"), archived=True)
    assert (found.name, found.reason) == ("provisional", "real traffic came that no batch run holds yet")


def test_a_run_over_the_archive_settles_it():
    assert state(found=run("kafka", covers=True), archived=True).name == "final"


def test_a_run_that_the_archive_outgrew_is_provisional_again():
    found = state(found=replace(run("kafka", covers=True), grown=7), archived=True)
    assert (found.name, found.reason) == ("provisional", "7 rows were archived since run r1 read the day: run it again")


def test_the_archive_is_no_rival_of_a_day_from_files():
    assert state(found=run("uci_online_retail"), archived=True).name == "final"


def test_an_unexplained_difference_keeps_a_day_provisional_and_is_named():
    found = state(found=run(unexplained=("orders", "units")))
    assert found.name == "provisional"
    assert "orders, units" in found.reason


def test_a_run_that_changed_figures_makes_the_day_revised():
    assert state(found=run(changed={"orders": [10, 13]})).name == "revised"


def test_a_run_that_changed_rows_and_no_figure_makes_the_day_revised():
    assert state(found=replace(run(), row_changes=("fct_session",))).name == "revised"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["final", "final"], "final"),
        (["final", "revised"], "revised"),
        (["revised", "provisional", "final"], "provisional"),
        (["provisional", "live"], "live"),
        (["none", "final"], "final"),
        (["none"], "none"),
        ([], "none"),
    ],
)
def test_a_range_takes_the_state_of_its_least_settled_day(names, expected):
    assert least_settled(names) == expected
