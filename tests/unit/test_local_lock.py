"""The locks name every dependency of pyproject.toml, with hashes, and no place of anyone's machine."""

import re
import tomllib
from importlib.metadata import distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ecommerce.config import PROJECT_DIR

LOCKS = ["requirements.txt", "requirements-build.txt"]
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def entries(name: str) -> list[str]:
    """The lock's entries, each with its hashes."""
    text = re.sub(r"(?m)^ *#.*\n", "", (PROJECT_DIR / name).read_text())
    return [block for block in re.split(r"(?m)^(?=\S)", text) if block.strip()]


def versions(name: str) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for block in entries(name):
        match = ENTRY.match(block)
        assert match, f"{name} holds something else than name==version: {block.splitlines()[0]}"
        found.setdefault(canonicalize_name(match[1]), []).append(Version(match[2]))
    return found


def requirements() -> list[Requirement]:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())
    return [Requirement(text) for text in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_each_dependency_is_locked_within_its_bounds(requirement):
    locked = versions("requirements.txt").get(canonicalize_name(requirement.name))
    assert locked, f"{requirement.name} is not in requirements.txt: make lock"
    assert all(requirement.specifier.contains(version) for version in locked), f"{requirement} but {locked} is locked: make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_each_entry_has_hashes(name):
    assert [block.splitlines()[0] for block in entries(name) if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", LOCKS)
def test_no_place_is_named(name):
    text = (PROJECT_DIR / name).read_text()
    assert not re.search(r"://|file:|^-|^/|\s/", text, re.MULTILINE)


def test_both_locks_name_the_same_versions():
    both, build = versions("requirements.txt"), versions("requirements-build.txt")
    assert {name: build[name] for name in build if name in both} == {name: both[name] for name in build if name in both}
    assert {"uv", "setuptools", "wheel"} <= build.keys()


def test_what_is_installed_is_what_is_locked():
    locked = versions("requirements.txt")
    installed = {canonicalize_name(one.name): Version(one.version) for one in distributions()}
    differing = {name: (installed[name], locked[name]) for name in locked if name in installed and installed[name] not in locked[name]}
    assert not differing, "make setup"
