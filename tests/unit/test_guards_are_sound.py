"""The guards that make test-guards takes away are in today's code, and their tests are there."""

import re

import guards
import pytest

FOUND = guards.guards()


@pytest.mark.parametrize("guard", FOUND, ids=[one.title for one in FOUND])
def test_a_guard_can_be_taken_away_and_has_its_tests(guard):
    assert guards.changed(guard)
    for test in guard.tests:
        file, name = test.split("::")
        text = (guards.PROJECT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {name.partition('[')[0]}\(", text, re.M), test


def test_a_text_that_is_gone_is_said():
    with pytest.raises(ValueError, match=r"bring tests/guards.toml up to date"):
        guards.changed(guards.Guard("x", (("README.md", "no such text", ""),), ()))
