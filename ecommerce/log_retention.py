"""How long Kafka's log holds a record."""

from __future__ import annotations

from datetime import datetime, timedelta

from ecommerce.config import Settings
from ecommerce.live.keys import KEEP_DAY

ROLL_HOURS = 24
"""Age at which a segment of the log is closed, however small it is."""


def dropped_by(settings: Settings, now: datetime) -> tuple[datetime, datetime]:
    """When Kafka has dropped every record of the events topic, and of the dead-letter topic, that is there ``now``.

    A record goes with its segment, which waits for its newest record and is closed after ROLL_HOURS at the latest.
    """
    ages = timedelta(hours=settings.kafka_retention_hours), timedelta(seconds=KEEP_DAY)
    events, letters = (now + age + timedelta(hours=ROLL_HOURS) for age in ages)
    return events, letters
