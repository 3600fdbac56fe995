"""Which version made the state and the lake: a newer program migrates an older state, an older one refuses a newer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ecommerce import __version__
from ecommerce.config import Settings
from ecommerce.errors import PlatformError

FORMAT = 1
"""The layout of ``var/`` and of the lake. A change of it needs a step in MIGRATIONS from the number before."""

POSTGRES_MAJOR = "18"


class StampError(PlatformError):
    """The state was made by a version that this one cannot go on from; the message names the step to take."""


class Stamp(msgspec.Struct, frozen=True):
    """What made a folder: the format of its layout, the platform's version, when it was last raised."""

    format: int
    version: str
    at: datetime


MIGRATIONS: dict[int, Callable[[Settings], None]] = {
    # Format 0 is a state from before the stamp; its layout is that of format 1.
    0: lambda settings: None,
}


def paths(settings: Settings) -> tuple[Path, Path]:
    """The stamps of the state and of the lake."""
    return settings.var_dir / "stamp.json", settings.lake_dir / "stamp.json"


def raise_to_current(settings: Settings) -> list[str]:
    """Migrate the state and the lake, oldest step first, and stamp them; returns what was done. Call before any server starts.

    Raises:
        StampError: one was made by a newer version, or there is no way from its format, or PostgreSQL's data is of another major version.
    """
    done = [text for path in paths(settings) for text in _raise(settings, path)]
    _check_postgres(settings)
    return done


def read(path: Path) -> Stamp | None:
    """The stamp at ``path``; None where there is none.

    Raises:
        StampError: it is damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Stamp)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise StampError(f"{path} is damaged ({error}): write the version that made it by hand, or restore a backup") from None


def check(found: Stamp, what: str) -> None:
    """Refuse what a newer version made.

    Raises:
        StampError: it did.
    """
    if found.format > FORMAT:
        raise StampError(
            f"{what} was made by version {found.version} (format {found.format}), this is {__version__} (format {FORMAT}): "
            f"start version {found.version} or a newer one, or restore a backup made before"
        )


def _raise(settings: Settings, path: Path) -> list[str]:
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    stamp = read(path)
    current = stamp or Stamp(0 if any(path.parent.iterdir()) else FORMAT, __version__, datetime.now(UTC))
    check(current, str(path.parent))
    done = []
    for number in range(current.format, FORMAT):
        if number not in MIGRATIONS:
            raise StampError(f"{path.parent} is of format {number}, too old for version {__version__}: start a version in between first")
        MIGRATIONS[number](settings)
        done.append(f"{path.parent}: format {number} > {number + 1}")
    if stamp is None or stamp.format != FORMAT or stamp.version != __version__:
        write(path)
    return done


def write(path: Path) -> None:
    """Stamp the folder of ``path`` as of this version."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(msgspec.json.encode(Stamp(FORMAT, __version__, datetime.now(UTC))))
    temporary.replace(path)


def _check_postgres(settings: Settings) -> None:
    path = settings.var_dir / "postgres" / "data" / "PG_VERSION"
    if path.exists() and (major := path.read_text(encoding="ascii").strip()) != POSTGRES_MAJOR:
        raise StampError(
            f"the data in {path.parent} is PostgreSQL {major}'s, this version brings {POSTGRES_MAJOR}: `ecommerce backup DIR` with the "
            "version that made it, then `make reset` and `ecommerce restore DIR` with this one"
        )
