"""``ecommerce etl`` ends with the batch job's exit code, and says what the job said."""

import json

import pytest

from ecommerce import cli, etl
from ecommerce.batch_run import Run
from ecommerce.errors import PlatformError

RUN = Run("run-1", "demo", "kafka", "2026-02-01", "2026-02-01", "", 42)


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Makes the batch job a program that says ``message`` and ends with ``code``."""

    def ends(code: int, message: str) -> None:
        script = tmp_path / "spark" / "jobs" / "batch_processing.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"import sys; print({json.dumps(json.dumps({'step': 'done', 'message': message}))}); sys.exit({code})")
        monkeypatch.setattr(etl, "PROJECT_DIR", tmp_path)

    return ends


@pytest.mark.parametrize(("code", "expected"), [(1, 1), (2, 2), (3, 3), (-9, 1)])
def test_a_job_that_does_not_publish_gives_its_code(job, code, expected):
    job(0, "") if code < 0 else job(code, "unit_price is gone")
    if code < 0:
        (etl.PROJECT_DIR / "spark" / "jobs" / "batch_processing.py").write_text("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(etl.EtlError) as error:
        etl.process(RUN, lambda line: None)
    assert error.value.exit_code == expected
    if code > 0:
        assert "unit_price is gone" in str(error.value)


def test_a_job_that_publishes_gives_its_last_line(job):
    job(0, "well")
    assert etl.process(RUN, lambda line: None)["message"] == "well"


@pytest.mark.parametrize(("error", "code"), [(etl.EtlError("stopped", 3), 3), (etl.EtlError("no such shop"), 2), (PlatformError("x"), 2)])
def test_the_command_line_ends_with_it(monkeypatch, capsys, error, code):
    def fails() -> None:
        raise error

    monkeypatch.setattr(cli, "cli", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"
