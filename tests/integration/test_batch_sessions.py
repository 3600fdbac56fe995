"""Jobs share one session; one that was closed, and a server that is down or was started again, do not end that."""

import uuid

import batch_runs
import pytest

from ecommerce import etl
from ecommerce.config import settings

pytestmark = pytest.mark.servers
NO_DAY = ("demo", "simulated", "2025-01-01")
CODE = "import connect; s = connect.session(); print(s.sql('SELECT 1').collect()); print(s.session_id)"


def session_id(extra: str = "") -> str:
    """The session that a program gets which asks as the job does."""
    import subprocess
    import sys

    environment = etl.spark_environment()
    child = subprocess.run(
        [sys.executable, "-c", CODE + extra],
        cwd=batch_runs.JOB.parent,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return child.stdout.split()[-1]


def test_programs_share_a_session_until_it_is_closed(postgres, spark):
    first = session_id()
    assert session_id() == first
    session_id("\ns.stop()\nprint(s.session_id)")
    second = session_id()
    assert second != first
    assert (settings().var_dir / "spark-session").read_text() == second


def test_a_session_of_an_earlier_server_is_opened_again(postgres, spark):
    kept = str(uuid.uuid4())
    (settings().var_dir / "spark-session").write_text(kept)
    assert session_id() == kept


def test_a_server_that_is_down_is_named_at_once(postgres):
    import subprocess
    import sys

    environment = {**etl.spark_environment(), "SPARK_REMOTE": "sc://127.0.0.1:9"}
    child = subprocess.run(
        [sys.executable, "-c", CODE], cwd=batch_runs.JOB.parent, env=environment, stderr=subprocess.PIPE, text=True, timeout=60
    )
    assert "Spark Connect server at 127.0.0.1:9 does not answer" in child.stderr


def test_the_job_runs_without_a_connect_server(postgres):
    environment = batch_runs.classic_environment()
    batch_runs.land_lines("demo", "simulated", "2025-03-03", "events.jsonl", EVENT, 1, "classic")
    code, last = batch_runs.run("classic", "demo", "simulated", "2025-03-03", environment=environment)
    assert (code, last["rows_good"], last["days"]) == (0, 1, 1)


EVENT = (
    b'{"event_id":"00000000-0000-7000-8000-000000000001","schema_version":1,"shop_id":"demo","event_name":"page_view",'
    b'"event_time":"2025-03-03T10:00:00Z","client_id":"c","session_id":"s","currency":"EUR"}\n'
)
