"""The lake of an erasure that is called again after it stopped half-way, and of runs that were killed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce import erasure_lake, erasure_leftovers, lake
from ecommerce.config import Settings
from ecommerce.erasure_terms import Person
from ecommerce.suppression import CLIENT, CUSTOMER, Suppression

DAYS = (date(2026, 3, 4), date(2026, 3, 5))


@pytest.fixture
def config(tmp_path) -> Settings:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "customer_hmac_key").write_text("key of the test")
    return replace(Settings(), secrets_dir=tmp_path / "secrets", lake_dir=tmp_path / "lake")


def event_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def write_day(config: Settings, day: date, rows: list[tuple[str | None, str]]) -> None:
    """A day of events, given as (customer, client); the event's number is the row's."""
    partition = lake.events(config.lake_dir, "kafka", "demo", day)
    path = partition / "r" / "events.parquet"
    path.parent.mkdir(parents=True)
    columns = {
        "user_id": [customer for customer, _ in rows],
        "client_id": [client for _, client in rows],
        "session_id": [None] * len(rows),
        "transaction_id": [None] * len(rows),
        "event_id": [event_id(day.day * 100 + number) for number in range(len(rows))],
    }
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), path)
    lake.publish(partition, lake.Manifest("r", datetime.now(UTC).isoformat(), [lake.describe(partition, path, len(rows))]))


def found(config: Settings) -> Person:
    person = Person("demo", "u1")
    erasure_lake.find(config, Suppression(config), person)
    return person


def test_a_client_is_found_when_the_day_that_named_its_customer_is_erased_already(config):
    write_day(config, DAYS[0], [("u1", "c1"), ("u1", "shared"), ("u2", "shared"), (None, "c2")])
    suppression, person = Suppression(config), found(config)
    assert person.clients == {"c1"}
    suppression.add([("demo", CUSTOMER, "u1"), ("demo", CLIENT, "c1")])
    erasure_lake.EVENTS.erase(config, suppression, person)
    write_day(config, DAYS[1], [(None, "c1"), (None, "c2"), (None, "shared")])

    again = found(config)
    assert (again.clients, again.events) == ({"c1"}, {event_id(500)})
    assert erasure_lake.EVENTS.look(config, again)[1] == 1


def test_what_killed_runs_left_goes_and_what_is_published_stays(config):
    write_day(config, DAYS[0], [("u1", "c1")])
    published = lake.events(config.lake_dir, "kafka", "demo", DAYS[0])
    left = [
        lake.scratch(config.lake_dir, "demo") / "killed",
        lake.landing(config.lake_dir, "till", "demo", "2026-03-06") / "killed",
        lake.events(config.lake_dir, "till", "demo", DAYS[1]) / "killed",
        lake.quarantine(config.lake_dir, "till", "demo", "unknown_2026-03-04_2026-03-05") / "killed",
        published / "killed",
    ]
    others = lake.landing(config.lake_dir, "till", "uci", "2026-03-06") / "going-on"
    for folder in (*left, others):
        folder.mkdir(parents=True)
        (folder / "rows.csv").write_text("u1\n")
    folders, person = erasure_leftovers.STEPS[1], Person("demo", "u1")
    assert folders.look(config, person)[1] == len(left)
    assert folders.erase(config, Suppression(config), person) == len(left)
    assert folders.look(config, person)[1] == 0
    assert [folder for folder in left if folder.exists()] == []
    assert len(lake.files(published)) == 1
    assert others.exists()
