"""Bytewax. Argument: aggregates (the five, in state by shop, a batch of 1,000 at a time), loop (the same in a bare function
without Bytewax's state), windows (its own, of a minute, by shop)."""

import sys
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from common import BENCH, LIBRDKAFKA, TOPIC, Aggregates, Meter, gross, redis_client

meter, sums, redis = Meter(), Aggregates(), redis_client()
options = {key: value for key, value in LIBRDKAFKA.items() if key != "bootstrap.servers"}


def aggregate(batch: list) -> list:
    meter.begin()
    for message in batch:
        sums.add(orjson.loads(message.value))
    sums.flush()
    if meter.add(len(batch)):
        meter.end()
    return []


class Summing(op.StatefulBatchLogic):
    """The sums since the last batch; they are written at its end, so what is kept is empty."""

    def on_batch(self, batch: list) -> tuple[list, bool]:
        for event in batch:
            sums.add(event)
        sums.flush()
        return [], op.StatefulBatchLogic.RETAIN

    def snapshot(self) -> None:
        return None


def decode(batch: list) -> list:
    events = [orjson.loads(message.value) for message in batch]
    if meter.add(len(batch)):
        meter.end()
    return [(event["shop_id"], event) for event in events]


class Writer(StatelessSinkPartition):
    def write_batch(self, items: list) -> None:
        for _, (window, (events, revenue)) in items:
            redis.hset(f"bench:minute:{window}", mapping={"events": events, "revenue": revenue})


class Sink(DynamicSink):
    def build(self, *_: object) -> Writer:
        return Writer()


flow = Dataflow("bench")
source = KafkaSource([BENCH["bootstrap"]], [TOPIC], tail=True, batch_size=1000, add_config=options)
stream = op.input("events", flow, source)
if sys.argv[1] == "windows":
    clock = win.EventClock(
        ts_getter=lambda event: datetime.fromisoformat(event["event_time"]).astimezone(UTC), wait_for_system_duration=timedelta(seconds=10)
    )
    minutes = win.TumblingWindower(length=timedelta(minutes=1), align_to=datetime(2020, 1, 1, tzinfo=UTC))
    summed = win.fold_window(
        "minute", op.flat_map_batch("decode", stream, decode), clock, minutes, lambda: (0, 0), lambda sum_, event: (sum_[0] + 1, sum_[1] + gross({"items": [], **event})),
        lambda one, two: (one[0] + two[0], one[1] + two[1]),
    )  # fmt: skip
    op.output("redis", summed.down, Sink())
elif sys.argv[1] == "aggregates":
    op.output("redis", op.stateful_batch("sum", op.flat_map_batch("decode", stream, decode), lambda _: Summing()), Sink())
else:
    op.output("redis", op.flat_map_batch("aggregate", stream, aggregate), Sink())
run_main(flow)
