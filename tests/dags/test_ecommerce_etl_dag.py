from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from ecommerce import schedule
from ecommerce.config import PROJECT_DIR

DAY = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def dag():
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "first_day", lambda: date(2026, 11, 1))
        bag = DagBag(str(PROJECT_DIR / "airflow" / "dags"))
    assert bag.import_errors == {}
    assert sorted(bag.dags) == ["ecommerce_etl", "ecommerce_maintenance"]
    return bag.dags["ecommerce_etl"]


@pytest.fixture(scope="module")
def serialized(dag):
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_the_steps_follow_one_another(dag):
    steps = ["plan", "run.ingest", "run.process", "run.publish_check", "run.notify"]
    assert sorted(dag.task_ids) == sorted(steps)
    for before, after in pairwise(steps):
        assert after in dag.get_task(before).downstream_task_ids


def test_every_step_is_tried_again_with_growing_pauses(dag):
    assert all(task.retries >= 2 and task.retry_exponential_backoff for task in dag.tasks)


def test_a_backfill_of_a_day_processes_that_day(serialized):
    (info,) = serialized.iter_dagrun_infos_between(DAY, DAY)
    assert info.data_interval.start.date() == DAY.date()


def test_catch_up_begins_at_the_first_day_and_misses_none(serialized):
    infos = list(serialized.iter_dagrun_infos_between(None, DAY))
    assert [info.data_interval.start.day for info in infos] == list(range(1, 21))
    assert serialized.catchup


def test_the_form_has_the_parameters_of_a_triggered_run(dag):
    assert list(dag.params) == ["shop", "source", "input", "from", "to", "seed", "repair"]


def test_lake_and_marts_are_assets(dag):
    assets = {outlet.name for task in dag.tasks for outlet in task.outlets}
    assert assets == {"lake_landing", "lake_events", "warehouse_facts", "warehouse_marts"}
