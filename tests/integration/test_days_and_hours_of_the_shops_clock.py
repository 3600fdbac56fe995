"""A shop's day and hour are those of its own clock, whatever the zone of the Spark session."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import shop_clock
from pyspark.sql import functions as F

pytestmark = pytest.mark.servers
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC")
LAST = timedelta(microseconds=1)
INSTANTS = [
    datetime(2026, 3, 29, 1, tzinfo=UTC) - LAST,  # Berlin's clock goes from 2 to 3
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # its hour from 2 to 3 comes twice
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2011, 12, 30, 9, 59, 59, 999_999, tzinfo=UTC),  # Apia leaves a day out
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(1969, 12, 31, 22, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC) - LAST,
    datetime(2399, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


@pytest.fixture(params=["UTC", "Asia/Tokyo"])
def at(session, request):
    """The instants, in a session of another zone."""
    usual = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", request.param)
    yield session.createDataFrame([(round(instant.timestamp() * 1_000_000),) for instant in INSTANTS], "micros BIGINT").select(
        "micros", F.timestamp_micros("micros").alias("at")
    )
    session.conf.set("spark.sql.session.timeZone", usual)


def test_days_and_hours_are_those_of_the_shops_clock(at):
    for zone in ZONES:
        found = at.select("micros", shop_clock.date(F.col("at"), zone), shop_clock.hour(F.col("at"), zone)).collect()
        clocks = [datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row[0]) for row in found]
        clocks = [clock.astimezone(ZoneInfo(zone)) for clock in clocks]
        assert [(row[1], row[2]) for row in found] == [(clock.date(), clock.hour) for clock in clocks], zone


def test_control_the_sessions_own_hour_is_not_the_shops(at):
    berlin = [instant.astimezone(ZoneInfo("Europe/Berlin")).hour for instant in INSTANTS]
    assert [row[0] for row in at.select(F.hour("at")).collect()] != berlin
