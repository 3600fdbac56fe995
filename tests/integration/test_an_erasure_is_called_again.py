"""An erasure that failed because Redis was away finishes when it is called again, and takes the tables of killed runs with it."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

from ecommerce import erasure, lake, warehouse
from ecommerce.config import settings
from ecommerce.local import servers
from ecommerce.suppression import Suppression

pytestmark = pytest.mark.servers
SHOP, CUSTOMER, SEEN = "leaver", "customer-again", "live:test:seen:1"
EVENT = "00000000-0000-4000-8000-000000000001"
ROW = {"user_id": CUSTOMER, "client_id": "client-again", "session_id": None, "transaction_id": None, "event_id": EVENT}


@pytest.fixture
def config(postgres, tmp_path):
    """A lake with one event of the customer, whose id is among the seen ones of a Redis of the test's own."""
    (tmp_path / "own" / "var").mkdir(parents=True)
    own = servers.isolated_settings(tmp_path / "own", secrets_dir=settings().secrets_dir)
    partition = lake.events(tmp_path / "lake", "kafka", SHOP, date(2026, 3, 4))
    path = partition / "r" / "events.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({name: pa.array([value], pa.string()) for name, value in ROW.items()}), path)
    lake.publish(partition, lake.Manifest("r", datetime.now(UTC).isoformat(), [lake.describe(partition, path, 1)]))
    with servers.running(own, "redis"):
        yield replace(settings(), redis_port=own.redis_port, lake_dir=tmp_path / "lake")


def test_ids_are_found_again_after_redis_was_away(config):
    token = Suppression(config).event_id(SHOP, EVENT)
    with redis.Redis(**config.redis_options) as client:
        client.sadd(SEEN, uuid.UUID(EVENT).bytes)
        with pytest.raises(redis.ConnectionError):
            erasure.erase(replace(config, redis_port=1), CUSTOMER, SHOP, print)
        (proof,) = erasure.erase(config, CUSTOMER, SHOP, print)
        assert proof.complete, proof
        assert client.smembers(SEEN) == {uuid.UUID(token).bytes}


def test_tables_of_a_killed_run_go(config):
    with warehouse.connect() as connection:
        warehouse.create_staging(connection, "killed", SHOP, ["fct_order"])
        (proof,) = erasure.erase(config, CUSTOMER, SHOP, print)
        assert proof.complete, proof
        assert warehouse.staging_tables(connection, SHOP) == []
