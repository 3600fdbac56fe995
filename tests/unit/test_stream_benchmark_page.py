"""The section Stream of docs/benchmarks.md: every part has its place, goals are judged, other sections stay."""

import pytest

from benchmarks.stream import report
from benchmarks.stream.rows import OURS, ROWS
from benchmarks.stream.world import Result


def found(ours=2.0, theirs=4.0):
    """500,000 events each, in ``ours`` and ``theirs`` seconds."""
    rows = {row: [Result(500_000, ours if row is OURS else theirs, 1.0, 0.5)] * 5 for row in ROWS}
    parts = {"together": {1: 100.0, 2: 150.0}, "catch_up": (1_200_000, 61.5), "growth": {"10 shops": (rows[OURS][0], 12.5)}}
    return {"events": 1_000_000, "partitions": 4, "failed": {}, "rows": rows, **parts, "producer": [19_000.0], "screen": {100: (60, 210)}}


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "PAGE", tmp_path / "benchmarks.md")
    return report.PAGE


def test_every_part_and_every_goal_is_on_the_page(page):
    report.write(found(), quick=False)
    text = page.read_text()
    assert all(row.name in text for row in ROWS if row is not OURS)
    assert "the median of 5 rounds" in text
    assert "| 1x: met |" in text
    assert "| 5x: **missed** |" in text
    for words in (
        "level after **61.5 s**",
        "2: 150 events/s (1.50x)",
        "| 10 shops | 2.00 | 1.00 | 12.5 |",
        "the goal is 20,000: **missed**",
    ):
        assert words in text


def test_what_failed_is_said_and_the_rest_is_there(page):
    report.write({"events": 1, "partitions": 4, "failed": {"screen": "no browser"}, "producer": [20_000.0]}, quick=False)
    assert "**Not measured:** screen: no browser" in page.read_text()
    assert "20,000 events/s** (median of 1); the goal is 20,000: met" in page.read_text()


def test_other_sections_stay_and_ours_is_replaced(page):
    page.write_text("# Benchmarks\n\nBefore.\n")
    report.write(found(), quick=False)
    page.write_text(page.read_text() + "\n## Another\n")
    report.write(found(ours=1.0), quick=False)
    text = page.read_text()
    assert (text.count("## Stream"), "Before." in text, "## Another" in text) == (1, True, True)
    assert "**500,000 events/s**" in text
