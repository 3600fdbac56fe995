"""Which code computes a run's numbers."""

from __future__ import annotations

import hashlib

from sources import Source

from ecommerce import __version__
from ecommerce.config import PROJECT_DIR

CODE = ("spark", "ecommerce")


def code_version(source: Source) -> str:
    """The platform's version and a digest of its code, jobs, marts and ``source``: from equal inputs an equal one gives equal numbers."""
    digest = hashlib.sha256(repr(source).encode())
    for folder in CODE:
        for path in sorted(path for path in (PROJECT_DIR / folder).rglob("*") if path.suffix in (".py", ".sql", ".toml")):
            digest.update(path.relative_to(PROJECT_DIR).as_posix().encode() + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"
