"""Copies of the product's code with one guarantee taken out, to see that the drill would notice."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from drills.drill import Change
from ecommerce.config import PROJECT_DIR
from ecommerce.errors import PlatformError

COPIED = ("ecommerce", "kafka_scripts", "spark")
APPLY, CONSUMER = "ecommerce/live/apply.lua", "kafka_scripts/consumer.py"
MEMBER, CLAIMING, COUNTING = (f"ecommerce/consuming/{name}.py" for name in ("member", "claiming", "counting"))

NO_WRITER_CHECK = Change(APPLY, "if stored[1] ~= r.writer then return {'stale'} end", "")
NO_OFFSET_CHECK = Change(APPLY, "if stored[2] ~= r.first then return {'moved', stored[2] or ''} end", "")
NO_DEDUPE = Change(APPLY, "if #ids > 0 or #transactions > 0 then return {'known', ids, transactions} end", "")
NO_OFFSET_IN_THE_STEP = Change(
    APPLY, "redis.call('HSET', r.partition, 'next', r.next, 'torn', '')", "redis.call('HSET', r.partition, 'torn', '')"
)
NEVER_LOOKS_AGAIN = Change(CONSUMER, "CHECK_SECONDS = 5.0", "CHECK_SECONDS = 1e9")
OFFSET_EACH_SECOND = Change(
    MEMBER,
    "        self.committed = time.monotonic()\n",
    "        self.committed = time.monotonic()\n"
    "        names = live.keys.Keys(live.generations.serving(self.servers.redis) or 0)\n"
    "        for claim in self.claims.values():\n"
    '            self.servers.redis.hset(names.partition(claim.partition), "next", claim.next)\n',
)
ANY_OFFSET = Change("ecommerce/refill.py", "    if gone or (stored is None", "    if False and (stored is None")
AT_LEAST_ONCE = (NO_OFFSET_IN_THE_STEP, NO_OFFSET_CHECK, NO_DEDUPE, OFFSET_EACH_SECOND, NEVER_LOOKS_AGAIN)
"""The usual consumer: counts first, tells the offset a second later, and does not know what it has counted."""


class OutOfDate(PlatformError):
    """A control no longer fits the code."""


def copy_with(changes: Iterable[Change], folder: Path) -> Path:
    """A copy of the product's programs in ``folder``, with ``changes``.

    Raises:
        OutOfDate: a text to change does not occur exactly once.
    """
    for name in COPIED:
        shutil.copytree(PROJECT_DIR / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, text in changed(changes).items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def changed(changes: Iterable[Change]) -> dict[str, str]:
    """The files that ``changes`` change, by name, as they then are.

    Raises:
        OutOfDate: a text to change does not occur exactly once.
    """
    texts: dict[str, str] = {}
    for file, old, new in changes:
        text = texts.get(file) or (PROJECT_DIR / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise OutOfDate(f"a drill changes {old!r} in {file}, which is there {text.count(old)} times: bring drills/ up to date")
        texts[file] = text.replace(old, new)
    return texts
