"""A state is stamped by the version that made it: older ones are raised, newer ones refused with the step to take."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from ecommerce import stamp
from ecommerce.config import Settings


@pytest.fixture
def config(tmp_path) -> Settings:
    return replace(Settings(), var_dir=tmp_path / "var", lake_dir=tmp_path / "lake", secrets_dir=tmp_path / "secrets")


def test_a_new_state_is_stamped_with_nothing_to_do(config):
    assert stamp.raise_to_current(config) == []
    assert [stamp.read(path).format for path in stamp.paths(config)] == [stamp.FORMAT] * 2


def test_a_state_from_before_the_stamp_is_raised_once(config):
    (config.var_dir / "logs").mkdir(parents=True)
    assert stamp.raise_to_current(config) == [f"{config.var_dir}: format 0 > 1"]
    assert stamp.raise_to_current(config) == []


def test_each_step_runs_in_order(config, monkeypatch):
    done = []
    monkeypatch.setattr(stamp, "FORMAT", 3)
    monkeypatch.setattr(stamp, "MIGRATIONS", {n: lambda settings, n=n: done.append(n) for n in range(3)})
    (config.var_dir / "logs").mkdir(parents=True)
    stamp.raise_to_current(config)
    assert done == [0, 1, 2]


def test_what_a_newer_version_made_is_refused(config):
    config.lake_dir.mkdir()
    stamp.paths(config)[1].write_bytes(msgspec.json.encode(stamp.Stamp(99, "9.0.0", datetime.now(UTC))))
    with pytest.raises(stamp.StampError, match=r"made by version 9\.0\.0 .* start version 9\.0\.0 or a newer one"):
        stamp.raise_to_current(config)


def test_a_format_without_a_way_is_refused(config, monkeypatch):
    monkeypatch.setattr(stamp, "FORMAT", 2)
    (config.var_dir / "logs").mkdir(parents=True)
    with pytest.raises(stamp.StampError, match="start a version in between"):
        stamp.raise_to_current(config)


def test_another_postgresql_is_refused_with_the_steps(config):
    data = config.var_dir / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(stamp.StampError, match=r"PostgreSQL 17's.*ecommerce backup DIR"):
        stamp.raise_to_current(config)
