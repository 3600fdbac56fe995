"""The platform's consumer itself, from its first records to the last one that is applied in Redis."""

import sys

from common import COUNT, Meter

from ecommerce.config import PROJECT_DIR, settings
from ecommerce.worker import Worker

sys.path.insert(0, str(PROJECT_DIR / "kafka_scripts"))
import consumer as program

meter = Meter()
consumer = program.Consumer(Worker("bench", settings().var_dir / "run").start(), settings())
poll, report = consumer.poll, consumer.report


def noted_poll() -> dict:
    polled = poll()
    if polled:
        meter.begin()
    return polled


def noted_report() -> None:
    report()
    meter.events = sum(claim.next for claim in consumer.member.claims.values())
    if meter.events >= COUNT:
        meter.end()


consumer.poll, consumer.report = noted_poll, noted_report
program.run(consumer, False, False)
