"""A day's rows lie together where the input is cut by days and a task holds one; else they are spread by their key."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from inputs import Partition
from staging import Spread

from ecommerce import lake

FIRST = date(2026, 1, 1)


def part(first: int, last: int, rows: int = 1) -> Partition:
    manifest = lake.Manifest("run", "", [lake.LakeFile("part-0.jsonl", rows, "", 0)], {})
    return Partition(Path(f"date={first}"), FIRST + timedelta(days=first), FIRST + timedelta(days=last), manifest)


@pytest.mark.parametrize(
    ("parts", "tasks", "expected"),
    [
        ([part(0, 0)], 1, Spread(1, of_days=True, whole_days=True)),
        ([part(0, 0)], 20, Spread(20, of_days=True, whole_days=False)),
        ([part(day, day) for day in range(30)], 9, Spread(9, of_days=True, whole_days=True)),
        ([part(day, day, 10**6 if day == 8 else 1) for day in range(30)], 9, Spread(9, of_days=True, whole_days=False)),
        ([part(0, 364)], 10, Spread(10, of_days=False, whole_days=False)),
        ([part(0, 364)], 1, Spread(1, of_days=False, whole_days=False)),
    ],
    ids=["a small day", "a large day", "a month of days", "a month with a large day", "files of a year", "few rows of a year"],
)
def test_spread(parts, tasks, expected):
    assert Spread.over(parts, tasks) == expected
