"""The part of the lock that one image layer installs: ``python lock_group.py GROUP`` prints it.

A group of groups.toml names direct packages; what they need is read from the lock's own ``# via``
notes. What the layers below hold already is left out, so that each package is in one layer alone.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==")
NOTE = re.compile(r"^ +#(?: via)? +([A-Za-z0-9._-]+)")


def groups() -> dict[str, dict]:
    """groups.toml as it is."""
    return tomllib.loads((HERE / "groups.toml").read_text(encoding="utf-8"))


def blocks(lock: str) -> dict[str, str]:
    """Each package's lines of the lock: its pin, hashes and notes."""
    parts = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    return {match[1]: part for part in parts if (match := ENTRY.match(part))}


def needs(entries: dict[str, str]) -> dict[str, set[str]]:
    """What each package of the lock requires directly."""
    found: dict[str, set[str]] = {name: set() for name in entries}
    for name, text in entries.items():
        parents = (match[1] for line in text.splitlines() if (match := NOTE.match(line)))
        for parent in parents:
            found.get(parent, set()).add(name)
    return found


def members(group: str, lock: str) -> set[str]:
    """Names of all packages that the layer of ``group`` adds to the layers below it.

    Raises:
        KeyError: a package that the group names is not in the lock.
    """
    entries = blocks(lock)
    graph = needs(entries)
    waiting, reached = list(groups()[group]["packages"]), set()
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += graph[name]
    below = groups()[group].get("on")
    while below:
        reached -= members(below, lock)
        below = groups()[below].get("on")
    return reached


if __name__ == "__main__":
    lock = (HERE.parent / "requirements.txt").read_text(encoding="utf-8")
    print("".join(blocks(lock)[name] for name in sorted(members(sys.argv[1], lock))), end="")
