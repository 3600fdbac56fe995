"""Faust. Argument: tables (the aggregates in its own tables, an event at a time), batched (the five, 1,000 at a time)."""

import sys

import faust
import orjson
from common import BENCH, GROUP, Aggregates, Meter, gross, redis_client

WAY = sys.argv[1]
app = faust.App(
    GROUP,
    broker=f"kafka://{BENCH['bootstrap']}",
    broker_credentials=faust.SASLCredentials(username=BENCH["user"], password=BENCH["password"], mechanism="SCRAM-SHA-256"),
    value_serializer="raw",
    topic_partitions=4,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    datadir=f"{BENCH['folder']}/faust-{GROUP}",
    web_enabled=False,
    store="memory://",
)
events = app.topic(BENCH["topic"], value_serializer="raw", value_type=bytes)
meter, sums, redis = Meter(), Aggregates(), redis_client()

if WAY == "tables":
    names = app.Table("names", default=int, partitions=4)
    revenue = app.Table("revenue", default=int, partitions=4)
    minutes = app.Table("minutes", default=int, partitions=4)
    visitors = app.Table("visitors", default=int, partitions=4)
    products = app.Table("products", default=int, partitions=4)

    @app.agent(events)
    async def count(stream: faust.StreamT) -> None:
        async for raw in stream:
            done = meter.add(1)
            event = orjson.loads(raw)
            place = f"{event['shop_id']}:{event['event_time'][:10]}"
            names[f"{place}:{event['event_name']}"] += 1
            minutes[f"{event['shop_id']}:{event['event_time'][:16]}"] += 1
            visitors[f"{place}:{event['client_id']}"] = 1
            if event["event_name"] == "purchase":
                revenue[place] += gross(event)
                for item in event["items"]:
                    products[f"{place}:{item['item_id']}"] += item["quantity"]
            if done:
                meter.end()
else:

    @app.agent(events)
    async def count(stream: faust.StreamT) -> None:
        async for batch in stream.take(1000, within=1):
            for raw in batch:
                sums.add(orjson.loads(raw))
            sums.flush()
            if meter.add(len(batch)):
                meter.end()


sys.argv = ["faust", "worker", "--loglevel", "error", "--without-web"]
app.main()
