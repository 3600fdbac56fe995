"""Results kept in a file, one JSON object a line, so that a page can be made of several runs."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

from drills.drill import Size
from drills.running import Result
from drills.table import DRILLS


def keep(path: Path, result: Result) -> None:
    """Append ``result``."""
    values = {name: value for name, value in asdict(result).items() if name != "drill"}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"name": result.drill.name, **values}) + "\n")


def read(path: Path) -> list[Result]:
    """The newest result of each drill and each control."""
    newest: dict[tuple[str, bool], Result] = {}
    known = {field.name for field in fields(Result)}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        values = json.loads(line)
        name, size = values.pop("name"), Size(*values.pop("size"))
        if name in DRILLS and values.keys() <= known:
            newest[name, values["control"]] = Result(DRILLS[name], size, **values)
    return list(newest.values())
