"""Until when Kafka may still hold a record: its age, and the segment that it lies in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import yaml

from ecommerce import log_retention
from ecommerce.config import PROJECT_DIR, Settings
from ecommerce.live.keys import KEEP_DAY

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_events_go_by_the_setting_and_dead_letters_with_the_live_days():
    events, letters = log_retention.dropped_by(replace(Settings(), kafka_retention_hours=100), NOW)
    assert events == NOW + timedelta(hours=100 + 24)
    assert letters == NOW + timedelta(seconds=KEEP_DAY) + timedelta(hours=24)


def test_the_containers_broker_closes_segments_as_the_local_one_does():
    services = yaml.safe_load((PROJECT_DIR / "docker-compose.yml").read_text())["services"]
    assert services["kafka"]["environment"]["KAFKA_LOG_ROLL_HOURS"] == log_retention.ROLL_HOURS
