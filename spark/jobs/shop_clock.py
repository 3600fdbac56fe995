"""Columns of a shop's own clock at an instant, whatever the zone of the Spark session."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

HOUR = 3_600_000_000
DAY = 24 * HOUR


def _micros(instant: Column, time_zone: str) -> Column:
    """Microseconds from 1970 to ``instant`` on the shop's clock, whatever the session's own zone is."""
    return F.unix_micros(F.from_utc_timestamp(instant, time_zone))


def hour(instant: Column, time_zone: str) -> Column:
    """The hour of the shop's clock at ``instant``, 0 to 23."""
    return F.floor(F.pmod(_micros(instant, time_zone), F.lit(DAY)) / HOUR).cast("INT")


def date(instant: Column, time_zone: str) -> Column:
    """The shop's day at ``instant``."""
    micros = _micros(instant, time_zone)
    return F.date_from_unix_date(((micros - F.pmod(micros, F.lit(DAY))) / DAY).cast("INT"))
