"""Jobs share one session; one that was closed, and a server that is down or was started again, do not end that."""

import json
import subprocess
import sys
import uuid

import batch_runs
import pytest

from ecommerce import etl
from ecommerce.config import settings

pytestmark = pytest.mark.servers
CODE = "import connect; s = connect.session(); print(s.sql('SELECT 1').collect()); print(s.session_id); connect.leave(s)"


def session_id(code: str = CODE) -> str:
    """The session that a program gets which asks as the job does."""
    environment = etl.spark_environment()
    child = subprocess.run(
        [sys.executable, "-c", code],
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
    session_id(CODE.replace("connect.leave(s)", "s.stop()"))
    second = session_id()
    assert second != first
    assert (settings().var_dir / "spark-session").read_text() == second


def test_a_session_of_an_earlier_server_is_opened_again(postgres, spark):
    kept = str(uuid.uuid4())
    (settings().var_dir / "spark-session").write_text(kept)
    assert session_id() == kept


def test_a_server_that_is_down_is_named_at_once(postgres):
    environment = {**etl.spark_environment(), "SPARK_REMOTE": "sc://127.0.0.1:9"}
    child = subprocess.run(
        [sys.executable, "-c", CODE], cwd=batch_runs.JOB.parent, env=environment, stderr=subprocess.PIPE, text=True, timeout=60
    )
    assert "Spark Connect server at 127.0.0.1:9 does not answer" in child.stderr


def test_the_job_runs_without_a_connect_server(postgres):
    batch_runs.land_lines("demo", "simulated", "2025-03-03", "events.jsonl", EVENT, 1, "classic")
    arguments = ["--run-id", "classic", "--shop", "demo", "--source", "simulated", "--from", "2025-03-03", "--to", "2025-03-03"]
    command = [sys.executable, "-m", "ecommerce.cli", "spark-submit", *arguments]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300)
    last = json.loads(child.stdout.splitlines()[-1])
    assert (child.returncode, last["rows_good"], last["days"]) == (0, 1, 1), last["message"]


EVENT = (
    b'{"event_id":"00000000-0000-7000-8000-000000000001","schema_version":1,"shop_id":"demo","event_name":"page_view",'
    b'"event_time":"2025-03-03T10:00:00Z","client_id":"c","session_id":"s","currency":"EUR",'
    b'"country":"IE","channel":"direct","device":"mobile"}\n'
)
