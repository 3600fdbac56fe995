"""A source folder: how to read its raw files and the SELECT that brings them to the event contract."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

SOURCES_DIR = Path(__file__).resolve().parent.parent / "sources"
FORMATS = ("csv", "json", "events")
EVENT_IDS = ("content", "source")


class SourceError(Exception):
    """A source folder is not usable; the message names the file, what is wrong and the remedy."""


@dataclass(frozen=True)
class Source:
    """One source. ``columns`` maps names to Spark SQL types in the files' order, ``optional`` those that files
    or rows may lack; ``folder`` is where a source of one's own is, None for one below spark/sources; see
    spark/sources/README.md."""

    name: str
    staging_sql: str
    format: str
    event_ids: str
    columns: dict[str, str] = field(default_factory=dict)
    date_from: str = "column"
    header: bool = True
    separator: str = ","
    encoding: str = "utf-8"
    multiline: bool = False
    optional: tuple[str, ...] = ()
    folder: Path | None = field(default=None, repr=False)  # no part of the code's version

    @property
    def ddl(self) -> str:
        """The columns as a Spark schema."""
        return ", ".join(f"`{name}` {kind}" for name, kind in self.columns.items())


def load(name_or_folder: str) -> Source:
    """The source named ``name_or_folder``, or the one in that folder where it holds a ``/``.

    Raises:
        SourceError: a file is absent, not TOML, or a key is missing or unknown.
    """
    own = Path(name_or_folder).resolve() if "/" in name_or_folder else None
    folder = own or SOURCES_DIR / name_or_folder
    path = folder / "source.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        sql = (folder / "staging.sql").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SourceError(f"source {name_or_folder}: {error.filename} is missing; see spark/sources/README.md") from None
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{path} is not valid TOML: {error}") from None
    read = {**table.get("read", {}), "date_from": table.get("files", {}).get("date_from", "column")}
    read["optional"] = tuple(read.get("optional", ()))
    try:
        source = Source(name=folder.name, staging_sql=sql, columns=table.get("columns", {}), folder=own, **read)
    except TypeError as error:
        raise SourceError(f"{path}: [read]: {str(error).partition('__init__() ')[2]}; see spark/sources/README.md") from None
    _check(source, path)
    return source


def _check(source: Source, path: Path) -> None:
    for key, value, known in (("format", source.format, FORMATS), ("event_ids", source.event_ids, EVENT_IDS)):
        if value not in known:
            raise SourceError(f"{path}: [read] {key} = {value!r}; known: {', '.join(known)}")
    if source.format != "events" and not source.columns:
        raise SourceError(f"{path}: [columns] is missing: name the columns in the files' order")
    if source.format != "events" and "{raw}" not in source.staging_sql:
        raise SourceError(f"{path.with_name('staging.sql')} does not read FROM {{raw}}")
