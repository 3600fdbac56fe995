"""A run that fails once its lake manifests are published keeps the files that they name: the next run puts all right."""

import subprocess
import sys
from datetime import date

import batch_runs
import psycopg
import pytest

from ecommerce import etl, ingest, lake
from ecommerce.config import PROJECT_DIR, settings
from ecommerce.shops import shop

pytestmark = pytest.mark.servers
SHOP, SOURCE, DAY = "demo", "simulated", date(2026, 4, 6)
FAILING = """
CREATE FUNCTION warehouse.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the server has no space left'; END $$;
CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON warehouse.etl_run_day DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.run_id LIKE 'lost%') EXECUTE FUNCTION warehouse.fail();
"""
DISCARDING = """
import sys, batch_processing
class Output(batch_processing.LakeOutput):
    def clear_scratch(self):
        super().clear_scratch()
        if sys.exc_info()[0]:
            self.discard()
batch_processing.LakeOutput = Output
sys.exit(batch_processing.main(sys.argv[1:]))
"""


@pytest.fixture
def failing_commit(postgres):
    """The transaction of a run called lost… fails at its very end."""
    with psycopg.connect(settings().postgres_dsn("owner"), autocommit=True) as owner:
        owner.execute(FAILING)
        yield
        owner.execute("DROP FUNCTION warehouse.fail CASCADE")


def missing() -> list[str]:
    """The files that the lake's manifest of the day names and that are not there."""
    partition = lake.events(settings().lake_dir, SOURCE, SHOP, DAY)
    return [file.path for file in lake.read_manifest(partition).files if not (partition / file.path).is_file()]


def test_the_files_that_the_manifest_names_stay_and_the_next_run_publishes(spark, failing_commit):
    ingest.land_simulated("landed", shop(SHOP), DAY, 42)
    code, end = batch_runs.run("lost-1", SHOP, SOURCE, DAY.isoformat())
    assert (code, end["status"]) == (1, "failed")
    assert "no space left" in end["message"]
    assert missing() == []
    assert batch_runs.day_of(SHOP, DAY.isoformat()) == {}
    assert batch_runs.run("kept", SHOP, SOURCE, DAY.isoformat())[0] == 0
    assert batch_runs.newest(SHOP, DAY.isoformat())["measures"]["page_views"] == ingest.answer_key(SHOP, DAY)["measures"]["page_views"]

    # Control: a run that discards what it wrote whenever it fails.
    run = ["--run-id", "lost-2", "--shop", SHOP, "--source", SOURCE, "--from", DAY.isoformat(), "--to", DAY.isoformat()]
    command = [sys.executable, "-c", DISCARDING, *run]
    environment = etl.spark_environment()
    environment["PYTHONPATH"] = f"{PROJECT_DIR / 'spark' / 'jobs'}:{environment.get('PYTHONPATH', '')}"
    assert subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, timeout=600).returncode == 1
    assert missing() != []
