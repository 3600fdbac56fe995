"""The marts: each a folder with its query (Spark SQL over the facts), its checks (PostgreSQL over the staged rows) and its meaning."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

MARTS_DIR = Path(__file__).resolve().parent.parent / "marts"
CHECK = re.compile(r"^-- check: (\w+) \((blocking|warning)\)[ ]*(.*)$", re.MULTILINE)


class MartError(Exception):
    """A mart's folder is malformed; the message names the file and the remedy."""


@dataclass(frozen=True)
class Check:
    """One check: a SELECT of the rows that break it, as (date, value, detail)."""

    name: str
    severity: str
    sql: str


@dataclass(frozen=True)
class Mart:
    """One mart: its warehouse table, grain and key, its Spark SQL and its checks."""

    name: str
    table: str
    keys: tuple[str, ...]
    query: str
    checks: tuple[Check, ...]


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
        return Mart(folder.name, about["table"], tuple(about["keys"]), query, parse_checks(checks, folder.name))
    except FileNotFoundError as error:
        raise MartError(f"mart {folder.name}: {error.filename} is missing") from None
    except tomllib.TOMLDecodeError as error:
        raise MartError(f"{folder / 'mart.toml'} is not valid TOML: {error}") from None
    except KeyError as error:
        raise MartError(f"{folder / 'mart.toml'} lacks {error}") from None


def parse_checks(text: str, mart: str) -> tuple[Check, ...]:
    """The checks of a checks.sql: each begins with ``-- check: name (blocking|warning)`` and is one SELECT.

    Raises:
        MartError: the text before the first header holds SQL, or there is no check.
    """
    parts = CHECK.split(text)
    before = [line for line in parts[0].splitlines() if line.strip() and not line.startswith("--")]
    if before or len(parts) < 5:
        raise MartError(f"mart {mart}: checks.sql must be checks that begin with '-- check: name (blocking|warning)'")
    headers = zip(parts[1::4], parts[2::4], parts[4::4], strict=True)
    return tuple(Check(f"{mart}.{name}", severity, sql.strip().rstrip(";")) for name, severity, sql in headers)
