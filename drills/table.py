"""All drills, in the order of their numbers."""

from drills.cases import (
    client_retries,
    consumer_frozen,
    consumer_killed,
    disk_full,
    disorder,
    fetching_stops,
    kafka_killed,
    link_cut,
    loader_killed,
    log_lost,
    members_change,
    poison,
    redis_flushed,
    redis_full,
    redis_killed,
    spark_killed,
    task_retried,
)
from drills.drill import Drill

CASES = (
    consumer_killed,
    consumer_frozen,
    redis_killed,
    redis_flushed,
    redis_full,
    kafka_killed,
    link_cut,
    poison,
    client_retries,
    disorder,
    members_change,
    log_lost,
    disk_full,
    loader_killed,
    spark_killed,
    task_retried,
    fetching_stops,
)
DRILLS: dict[str, Drill] = {case.DRILL.name: case.DRILL for case in CASES}
