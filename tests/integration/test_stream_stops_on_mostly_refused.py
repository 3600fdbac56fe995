"""Most records refused: the consumer stops loudly, loses nothing, and goes on when it is told to or when they are valid."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shop_events import event
from stream_world import stop

from ecommerce import refusal_guard, shops

pytestmark = pytest.mark.servers


def write_shops(path: Path, more: str) -> None:
    demo = '[demo]\nname = "Demo"\ntime_zone = "Europe/Berlin"\ncurrency = "EUR"\n'
    path.write_text(demo + more, encoding="utf-8")


def test_it_stops_and_goes_on_when_put_right_or_accepted(world, tmp_path):
    world.settings = replace(world.settings, shops_file=tmp_path / "shops.toml")
    write_shops(world.settings.shops_file, "")
    now = datetime.now(UTC)
    good = [event(event_time=now) for _ in range(1000)]
    newcomer = [event(event_time=now, shop_id="newcomer") for _ in range(1200)]
    world.send([*good, *newcomer])
    for _ in range(2):
        assert world.start("consumer").wait(90) == 3
    beat = json.loads((world.settings.var_dir / "run" / "consumer.heartbeat").read_bytes())
    assert (beat["state"], beat["incident"]) == ("stopped", "too_many_refused")
    assert "more than half of 1000 records are refused, for example unknown_shop" in world.log("consumer")

    write_shops(world.settings.shops_file, '\n[newcomer]\nname = "N"\ntime_zone = "UTC"\ncurrency = "EUR"\n')
    world.send(event(event_time=now) for _ in range(1000))
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    day = shops.shop("demo").day_of(now)
    assert world.snapshot("demo", day)["totals"]["counted"] == 2000
    assert len(world.dead_letters()) + int(world.redis.hget(f"live:1:day:newcomer:{now.date()}", "counted")) == 1200
    assert refusal_guard.halted(world.redis) == {}

    world.send([b"{"] * 1500)
    assert world.start("consumer").wait(90) == 3
    assert refusal_guard.accept(world.redis)
    consumer = world.start("consumer")
    world.wait_applied()
    assert stop(consumer) == 0
    places = {(headers["partition"], headers["offset"]) for headers, value in world.dead_letters() if value == b"{"}
    assert len(places) == 1500
