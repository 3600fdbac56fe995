"""Cells of a download: exact, and never a formula."""

from datetime import date
from decimal import Decimal

import pytest

from analytics.csv_stream import cell
from analytics.formats import slash_free


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "＝1+1", "=cmd|' /C calc'!A0"])
def test_text_that_a_spreadsheet_would_run_is_behind_an_apostrophe(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "written"),
    [("\t=1", "'\ufffd=1"), ("\r\n=1", "'\ufffd\ufffd=1"), ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"), ("\u202egnp", "\ufffdgnp")],
)
def test_control_characters_are_inert(text, written):
    assert cell(text) == written


def test_numbers_stay_exact_negative_ones_too():
    assert cell(Decimal("-31694.6000")) == "-31694.6000"
    assert cell(6968) == "6968"
    assert cell(date(2026, 11, 22)) == "2026-11-22"


def test_unknown_is_empty_and_plain_text_is_itself():
    assert cell(None) == ""
    assert cell("Linen throw, oat") == "Linen throw, oat"


def test_a_file_name_holds_no_path():
    assert slash_free('demo/../"x"\r\n') == "demo-----x---"
