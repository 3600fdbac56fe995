"""Quix Streams. Argument: aggregates (the five, summed in the process, a pipeline each 1,000), windows (its own, of a minute)."""

import sys
from datetime import datetime, timedelta

from common import BENCH, GROUP, TOPIC, Aggregates, Meter, gross, redis_client
from quixstreams import Application
from quixstreams.dataframe.windows import Count, Sum
from quixstreams.kafka import ConnectionConfig

connection = ConnectionConfig(
    bootstrap_servers=BENCH["bootstrap"],
    security_protocol="SASL_PLAINTEXT",
    sasl_mechanism="SCRAM-SHA-256",
    sasl_username=BENCH["user"],
    sasl_password=BENCH["password"],
)
app = Application(
    connection, consumer_group=GROUP, auto_offset_reset="earliest", state_dir=f"{BENCH['folder']}/quix-{GROUP}", loglevel="ERROR"
)
meter, sums, redis = Meter(), Aggregates(), redis_client()


def count(event: dict) -> None:
    done = meter.add(1)
    sums.add(event)
    if done or meter.events % 1000 == 0:
        sums.flush()
    if done:
        meter.end()


def milliseconds(event: dict, *_: object) -> int:
    return int(datetime.fromisoformat(event["event_time"]).timestamp() * 1000)


def write(window: dict) -> None:
    key = f"bench:minute:{window['start']}"
    redis.hset(key, mapping={"events": window["events"], "revenue": window["revenue"]})


def counted(event: dict) -> None:
    if meter.add(1):
        meter.end()


if sys.argv[1] == "windows":
    frame = app.dataframe(app.topic(TOPIC, value_deserializer="json", timestamp_extractor=milliseconds))
    frame = frame.apply(lambda event: {"revenue": gross({"items": [], **event})}).update(counted)
    frame = frame.tumbling_window(timedelta(minutes=1), grace_ms=0).agg(events=Count(), revenue=Sum("revenue")).final()
    frame.update(write)
else:
    app.dataframe(app.topic(TOPIC, value_deserializer="json")).update(count)
app.run()
