"""A drill on real servers, small: exact with the guarantee, and seen to fail without it."""

import pytest

from drills import report, running
from drills.bench import Bench
from drills.drill import Size
from drills.table import DRILLS

pytestmark = pytest.mark.servers

DRILL = DRILLS["consumer-killed"]
SMALL = Size(12_000, 2)


@pytest.mark.parametrize("control", [False, True], ids=["as it is", "without its guarantee"])
def test_the_consumer_is_killed(kafka, tmp_path, control):
    result = running.run(DRILL, SMALL, control, tmp_path, Bench(kafka))
    assert result.as_expected, report.line(result)
    assert result.acked == SMALL.events
