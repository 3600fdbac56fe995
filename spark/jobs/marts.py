"""The marts: each a folder with its query (Spark SQL over the facts), its checks (PostgreSQL over the staged rows),
its meaning, and an example with the rows that it must give."""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass
from pathlib import Path

MARTS_DIR = Path(__file__).resolve().parent.parent / "marts"
FACTS_DIR = MARTS_DIR.parent / "facts"
SCOPES = ("day", "history")
CHECK = re.compile(r"^-- check: (\w+) \((blocking|warning)\)[ ]*(.*)$", re.MULTILINE)
BY_KEY = re.compile(r"by the key of (\w+)")


class MartError(Exception):
    """A mart's folder is malformed; the message names the file and the remedy."""


@dataclass(frozen=True)
class Check:
    """One check: a SELECT of the rows that break it, as (date, value, detail).

    ``key_of``: the table whose primary key refuses the same rows.
    """

    name: str
    severity: str
    sql: str
    key_of: str | None = None

    def reads(self) -> set[str]:
        """The tables that it names."""
        return _names(self.sql)


@dataclass(frozen=True)
class Mart:
    """One mart: its warehouse table, grain and key, its Spark SQL and its checks.

    ``slow``: it takes longest, and is begun first. ``scope`` day: rows of the run's shop-days, computed from their events and facts alone. ``scope`` history: rows of the
    shop, computed from the facts of all its published days, those of the run in place of the old ones.
    """

    name: str
    table: str
    scope: str
    keys: tuple[str, ...]
    query: str
    checks: tuple[Check, ...]
    slow: bool = False

    def reads(self) -> set[str]:
        """The frames that the query names: events and fact tables."""
        return _names(self.query)


def _names(text: str) -> set[str]:
    """What stands in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def load_all(folder: Path = MARTS_DIR) -> list[Mart]:
    """Every mart of ``folder``, by name.

    Raises:
        MartError: a file is absent or malformed.
    """
    return [load(path.parent) for path in sorted(folder.glob("*/mart.toml"))]


def load(folder: Path) -> Mart:
    """The mart in ``folder``: mart.toml, query.sql, checks.sql.

    Raises:
        MartError: a file is absent or malformed.
    """
    try:
        about = tomllib.loads((folder / "mart.toml").read_text(encoding="utf-8"))
        query, checks = ((folder / name).read_text(encoding="utf-8") for name in ("query.sql", "checks.sql"))
        mart = Mart(
            folder.name,
            about["table"],
            about.get("scope", "day"),
            tuple(about["keys"]),
            query,
            parse_checks(checks, folder.name),
            about.get("slow", False),
        )
    except FileNotFoundError as error:
        raise MartError(f"mart {folder.name}: {error.filename} is missing") from None
    except tomllib.TOMLDecodeError as error:
        raise MartError(f"{folder / 'mart.toml'} is not valid TOML: {error}") from None
    except KeyError as error:
        raise MartError(f"{folder / 'mart.toml'} lacks {error}") from None
    _check(mart, folder)
    return mart


def _check(mart: Mart, folder: Path) -> None:
    if mart.scope not in SCOPES:
        raise MartError(f"{folder / 'mart.toml'}: scope = {mart.scope!r}; known: {', '.join(SCOPES)}")
    needed = {"shop_id", "date"} if mart.scope == "day" else {"shop_id"}
    if missing := needed - set(mart.keys):
        raise MartError(f"{folder / 'mart.toml'}: keys lacks {', '.join(sorted(missing))}: rows are replaced by it")
    if mart.scope == "history" and "events" in mart.reads():
        raise MartError(
            f"{folder / 'query.sql'} reads {{events}}: a mart of scope history reads facts, the events of other days are not there"
        )


def fact_checks() -> tuple[Check, ...]:
    """The checks of the fact tables themselves."""
    return parse_checks((FACTS_DIR / "checks.sql").read_text(encoding="utf-8"), "facts")


def parse_checks(text: str, mart: str) -> tuple[Check, ...]:
    """The checks of a checks.sql: each begins with ``-- check: name (blocking|warning)`` and is one SELECT.

    Raises:
        MartError: the text before the first header holds SQL, or there is no check.
    """
    parts = CHECK.split(text)
    before = [line for line in parts[0].splitlines() if line.strip() and not line.startswith("--")]
    if before or len(parts) < 5:
        raise MartError(f"mart {mart}: checks.sql must be checks that begin with '-- check: name (blocking|warning)'")
    headers = zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True)
    return tuple(Check(f"{mart}.{name}", severity, sql.strip().rstrip(";"), _key_of(said)) for name, severity, said, sql in headers)


def _key_of(said: str) -> str | None:
    found = BY_KEY.search(said)
    return found[1] if found else None
