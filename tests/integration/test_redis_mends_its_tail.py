"""Redis dies in the middle of writing a transaction: what is there of it never counts, not even two starts later."""

import os

import pytest
from redis import Redis

from ecommerce.config import PROJECT_DIR
from ecommerce.local import servers

pytestmark = pytest.mark.servers

TWO_SUMS = "redis.replicate_commands() redis.call('INCR', 'first') redis.call('INCR', 'second') return 1"


def lives_and_dies(settings, then=lambda redis: None):
    """Start Redis, give ``then`` a client, kill Redis."""
    with servers.started(settings, "redis") as process:
        found = then(Redis(**settings.redis_options, decode_responses=True))
        process.kill()
        process.wait()
    return found


def torn(tmp_path):
    """A Redis whose file ends in a whole transaction and half of another; then a third one was written."""
    settings = servers.isolated_settings(tmp_path / "redis")
    lives_and_dies(settings, lambda redis: [redis.config_set("appendfsync", "always"), redis.eval(TWO_SUMS, 0), redis.eval(TWO_SUMS, 0)])
    file = settings.var_dir / "redis" / "appendonly.aof"
    os.truncate(file, file.stat().st_size - len(b"*1\r\n$4\r\nEXEC\r\n") - 3)
    lives_and_dies(settings, lambda redis: redis.eval(TWO_SUMS, 0))
    return lives_and_dies(settings, lambda redis: redis.mget("first", "second"))


def test_half_a_transaction_is_gone_for_good(tmp_path):
    assert torn(tmp_path) == ["2", "2"]


def test_redis_alone_counts_it_later(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import ecommerce.local.redis_server as r\nr.mend = lambda settings: None\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{PROJECT_DIR}")
    assert torn(tmp_path) == ["3", "2"]
