"""What one batch run is: a shop, a source and a range of days, under a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import uuid_utils


@dataclass(frozen=True)
class Run:
    """One batch run: one shop, one source, the days ``from_date`` to ``to_date`` inclusive.

    With a ``repair`` (see ecommerce.repair) it reads what has landed before, put right first.
    """

    run_id: str
    shop_id: str
    source: str
    from_date: str
    to_date: str
    input: str = ""
    seed: int = 0
    repair: str = ""

    @property
    def days(self) -> list[date]:
        first, last = date.fromisoformat(self.from_date), date.fromisoformat(self.to_date)
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def new_run_id() -> str:
    """A run id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{str(uuid_utils.uuid7())[-8:]}"
