"""Erasure: no trace of the person anywhere that we keep data, every sum as before, and the person does not come back."""

from collections import Counter
from dataclasses import replace
from datetime import date

import batch_runs
import pyarrow.parquet as pq
import pytest
from redis import Redis

from ecommerce import erasure, erasure_lake, ingest, lake, simulator
from ecommerce.config import settings
from ecommerce.live import Accepted, Batch, LiveState, LiveWriter, Origin
from ecommerce.local import servers
from ecommerce.shops import shop, shops
from ecommerce.suppression import Suppression

pytestmark = [pytest.mark.servers, pytest.mark.long]
DAY = date(2026, 3, 4)
TEXTS = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'warehouse' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'jsonb')"""


@pytest.fixture(scope="module")
def events():
    return list(simulator.day_events(shop("demo"), DAY, 42))


@pytest.fixture(scope="module")
def customer(events) -> str:
    return Counter(one.user_id for one in events if one.event_name == "purchase" and one.user_id).most_common(1)[0][0]


@pytest.fixture(scope="module")
def config(postgres, spark, events, tmp_path_factory):
    """The day loaded, and its events counted live in a Redis of the test's own."""
    ingest.land_simulated("person-1", shop("demo"), DAY, 42)
    assert batch_runs.run("person-1", "demo", "simulated", DAY.isoformat())[0] == 0
    folder = tmp_path_factory.mktemp("person")
    (folder / "var").mkdir()
    own = servers.isolated_settings(folder, secrets_dir=settings().secrets_dir)
    with servers.running(own, "redis"):
        config = replace(settings(), redis_port=own.redis_port)
        with Redis(**config.redis_options) as client:
            writer = LiveWriter(client, Origin("c", "shop.events", "t"), shops())
            claim = writer.claim(0, 0)
            for first in range(0, len(events), 2000):
                part = events[first : first + 2000]
                batch = Batch(0, first, first + len(part), [Accepted(first + n, one) for n, one in enumerate(part)], [])
                writer.apply(claim, batch, lambda refused: pytest.fail(str(refused[:1])))
        yield config, own


def traces(config, own, ids: set[str]) -> list[str]:
    """Where any of ``ids`` stands: every text of the warehouse, every file of the lake, Redis' file on disk."""
    found = []
    for row in batch_runs.rows(TEXTS):
        table, column = row.values()
        if batch_runs.rows(f"SELECT 1 AS x FROM warehouse.{table} WHERE {column}::text ~ ANY(%s) LIMIT 1", [rf"\m{one}\M" for one in ids]):
            found.append(f"{table}.{column}")
    for path in sorted(config.lake_dir.rglob("*")):
        if path.suffix == ".parquet":
            values = {text for column in pq.read_table(path).columns if str(column.type) == "string" for text in column.to_pylist()}
            found += [str(path)] * bool(values & ids)
        elif path.is_file():
            found += [str(path)] * any(one.encode() in path.read_bytes() for one in ids)
    aof = (own.var_dir / "redis" / "appendonly.aof").read_bytes()
    return found + ["appendonly.aof"] * any(one.encode() in aof for one in ids)


def figures(day: date = DAY) -> dict:
    return {name: value for name, value in batch_runs.newest("demo", day.isoformat())["measures"].items() if name != "customers"}


def fails_after_each_step(monkeypatch, config, customer: str) -> None:
    """Erase as often as there are steps, each time with one more of them done before a store goes away."""
    for number, step in enumerate(erasure.STEPS):

        def erase_and_fail(*arguments, step=step):
            step.erase(*arguments)
            raise ConnectionError(step.name)

        with monkeypatch.context() as patch:
            patch.setattr(erasure, "STEPS", (*erasure.STEPS[:number], replace(step, erase=erase_and_fail), *erasure.STEPS[number + 1 :]))
            with pytest.raises(ConnectionError, match=step.name):
                erasure.erase(config, customer, "demo", print)


def test_no_trace_is_left_and_every_sum_stays(config, events, customer, monkeypatch):
    config, own = config
    person = erasure.Person("demo", customer)
    erasure_lake.find(config, Suppression(config), person)
    ids = {customer, *person.clients, *person.events, *person.transactions}
    assert len(person.transactions) >= 1
    assert person.clients == {one.client_id for one in events if one.user_id == customer}
    before = traces(config, own, ids)
    assert {"fct_order.customer_id", "appendonly.aof"} <= set(before)
    assert any("landing" in place for place in before)
    looked = {step.name: step.look(config, person)[1] for step in erasure.STEPS}
    assert looked["live: seen ids and orders"] > 0
    assert looked["lake: events"] > 0

    sums, with_redis = figures(), LiveState(Redis(**config.redis_options))
    live, day_row = with_redis.snapshot(shop("demo"), DAY), batch_runs.day_of("demo", DAY.isoformat())
    fails_after_each_step(monkeypatch, config, customer)
    (proof,) = erasure.erase(config, customer, "demo", print)
    assert proof.complete, proof
    assert {place.name: place.left for place in proof.places if place.left} == {}
    assert traces(config, own, ids) == []
    again = with_redis.snapshot(shop("demo"), DAY)
    assert [again[part] for part in ("measures", "estimates", "hours", "totals")] == [
        live[part] for part in ("measures", "estimates", "hours", "totals")
    ]
    assert batch_runs.day_of("demo", DAY.isoformat()) == day_row

    assert batch_runs.run("person-2", "demo", "simulated", DAY.isoformat())[0] == 0
    assert figures() == sums
    assert batch_runs.newest("demo", DAY.isoformat())["changed"] == {"customers": [day_row["customers"], day_row["customers"] - 1]}

    ingest.land_simulated("person-3", shop("demo"), DAY, 42)
    assert batch_runs.run("person-3", "demo", "simulated", DAY.isoformat())[0] == 0
    assert figures() == sums
    assert traces(config, own, {customer, *person.clients}) == []

    suppression = Suppression(config)
    suppression.refresh()
    theirs = [one for one in events if one.user_id == customer]
    with Redis(**config.redis_options) as client:
        writer = LiveWriter(client, Origin("c", "shop.events", "t"), shops())
        claim = writer.claim(0, 0)
        copies = [Accepted(claim.next + n, suppression.anonymous(one)) for n, one in enumerate(theirs)]
        writer.apply(claim, Batch(0, claim.next, claim.next + len(theirs), copies, []), lambda refused: None)
        counted = LiveState(client).snapshot(shop("demo"), DAY)
    assert counted["measures"] == live["measures"], "a copy that comes again is refused by its token"


def test_another_customer_is_untouched(config, events, customer):
    config, own = config
    other = next(one.user_id for one in events if one.event_name == "purchase" and one.user_id not in (None, customer))
    assert "fct_order.customer_id" in traces(config, own, {other})
    assert any("landing" in place for place in traces(config, own, {other}))
    assert lake.read_manifest(lake.landing(config.lake_dir, "simulated", "demo", DAY.isoformat())).details["erased"] > 0
