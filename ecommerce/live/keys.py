"""Names, lifetimes and time buckets of the live state in Redis.

All keys but the header begin with ``live:<generation>:``; a rebuild fills another generation and swaps.
Expiry counts from the moment of writing, so that an old day can be replayed at any time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ecommerce.shops import Shop

HEADER = "live:header"
REBUILD = "live:rebuild"
REBUILT = "live:rebuilt"
CHANNEL = "ecommerce:changed"

HOUR = 3600
SEEN_SECONDS = 48 * HOUR
LATE_MICROSECONDS = SEEN_SECONDS * 1_000_000
KEEP_SEEN = 50 * HOUR
KEEP_MINUTE = 50 * HOUR
KEEP_DAY = 40 * 24 * HOUR
KEEP_PRODUCTS = 8 * 24 * HOUR
KEEP_ACTIVE = 600
KEEP_RATE = 60

WINDOW_MINUTES = 5
STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
"""Events of the funnel, each with the sessions that have one; the first step is every session."""
DIMENSIONS = ("country", "channel", "device")
NOT_SET, OTHER = "(not set)", "(other)"
MAX_VALUES = 200
"""Values of a dimension that a shop-day tells apart; what comes after them counts as OTHER."""

KEPT_LATE = 10_000
"""Late events of a shop-day whose places are kept."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WHOLE_MINUTE_ZONES = datetime(1973, 1, 1, tzinfo=UTC)
"""Since then no zone is off UTC by a part of a minute, so a minute lies in one hour of one shop-day."""


class Keys:
    """Key names of one generation."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.root = f"live:{generation}:"

    def partition(self, number: int) -> str:
        """Hash: epoch, writer, next (offset), wm:<shop> (watermark, microseconds)."""
        return f"{self.root}partition:{number}"

    def unattributed(self) -> str:
        """Hash: received and refused:<reason> of records whose shop is not known."""
        return f"{self.root}unattributed"

    def seen(self, day: int) -> str:
        """Set of the 16-byte ids of counted events of one UTC day of event time (days since 1970), all shops."""
        return f"{self.root}seen:{day}"

    def transactions(self, shop_id: str, day: int) -> str:
        """Hash transaction_id -> event_id (16 bytes) of counted purchases of one UTC day of event time."""
        return f"{self.root}transactions:{shop_id}:{day}"

    def day(self, shop_id: str, day: str) -> str:
        """Hash of sums and totals of one shop-day."""
        return f"{self.root}day:{shop_id}:{day}"

    def hours(self, shop_id: str, day: str) -> str:
        """Hash <HH>:<field> of one shop-day, by local hour."""
        return f"{self.root}hours:{shop_id}:{day}"

    def minute(self, shop_id: str, minute: int) -> str:
        """Hash of sums of one minute (minutes since 1970)."""
        return f"{self.root}minute:{shop_id}:{minute}"

    def distinct(self, what: str, shop_id: str, day: str) -> str:
        """HyperLogLog of one shop-day: visitors, sessions, or the sessions with one of STEPS."""
        return f"{self.root}distinct:{what}:{shop_id}:{day}"

    def active(self, what: str, shop_id: str, minute: int) -> str:
        """HyperLogLog of the visitors or sessions of one minute, kept for the present only."""
        return f"{self.root}active:{what}:{shop_id}:{minute}"

    def products(self, what: str, shop_id: str, day: str) -> str:
        """Of one shop-day by item_id: ``rank`` a sorted set, ``gross``, ``units`` and ``name`` hashes."""
        return f"{self.root}products:{what}:{shop_id}:{day}"

    def breakdown(self, dimension: str, shop_id: str, day: str) -> str:
        """Hash <measure>:<value> of one of DIMENSIONS on one shop-day: events, orders, gross_revenue."""
        return f"{self.root}breakdown:{dimension}:{shop_id}:{day}"

    def latest(self, what: str, shop_id: str, day: str) -> str:
        """List of JSON objects, newest first: ``orders`` or ``activity``."""
        return f"{self.root}latest:{what}:{shop_id}:{day}"

    def late(self, shop_id: str, day: str) -> str:
        """List of <partition>:<offset> of the late events of one shop-day, newest first."""
        return f"{self.root}late:{shop_id}:{day}"

    def rate(self, shop_id: str, second: int) -> str:
        """Counter of events applied in one second of the wall clock."""
        return f"{self.root}rate:{shop_id}:{second}"


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 of an aware ``instant``."""
    return (instant - EPOCH) // MICROSECOND


class Clock:
    """Buckets of event time in one shop's zone, computed once a minute of event time."""

    def __init__(self, shop: Shop) -> None:
        self._zone = shop.zone
        self._minutes: dict[int, tuple[str, str]] = {}
        self._exact_from = microseconds(WHOLE_MINUTE_ZONES) // 60_000_000

    def bucket(self, event_time: datetime, minute: int) -> tuple[str, str]:
        """Shop-day (YYYY-MM-DD) and local hour (00 to 23) of ``event_time``, which lies in ``minute``."""
        found = self._minutes.get(minute)
        if found is None:
            local = event_time.astimezone(self._zone)
            found = local.date().isoformat(), f"{local.hour:02d}"
            if minute >= self._exact_from:
                if len(self._minutes) > 20_000:
                    self._minutes.clear()
                self._minutes[minute] = found
        return found


def minute_of(instant: datetime) -> int:
    """Minutes since 1970."""
    return microseconds(instant) // 60_000_000


def minute_start(minute: int) -> datetime:
    """First instant of ``minute``, UTC."""
    return EPOCH + timedelta(minutes=minute)
