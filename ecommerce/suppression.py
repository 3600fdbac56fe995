"""Erased people stay erased: keyed hashes of their ids, and what an event of theirs becomes.

Every writer of events (ingest, consumer, archiver, replay, rebuild) asks here. The list is
``<lake>/suppressed.json`` and holds no identity: HMAC-SHA-256 with the secret ``customer_hmac_key``. An event of an
erased person still counts, without the customer and with its other ids replaced by keyed tokens: the same id gives the
same token, so sums, distinct counts and the refusal of copies stay right.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property

import msgspec

from ecommerce import lake
from ecommerce.config import Settings
from ecommerce.errors import PlatformError
from ecommerce.events import Event

CHECK_SECONDS = 1.0
CUSTOMER, CLIENT = "customer", "client"
TOKENS = ("client_id", "session_id", "transaction_id")
TOKEN = "erased-"
KNOWN_IDS = 200_000


class SuppressionError(PlatformError):
    """The list of erased people is not readable: nobody may write events until it is."""


class Entry(msgspec.Struct, frozen=True):
    """One id of an erased person in a shop: its keyed hash, ``kind`` customer or client, when it was erased."""

    hash: str
    kind: str
    erased_at: datetime


class Suppression:
    """The list as one process sees it; a change is seen within a second. Costs next to nothing while nobody is erased."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.path = settings.lake_dir / "suppressed.json"
        self._stamp: tuple[int, int] | None = None
        self._checked = float("-inf")
        self._hashes: frozenset[str] = frozenset()
        self._known: dict[tuple[str, str, str], bool] = {}

    @cached_property
    def _key(self) -> bytes:
        return self._settings.secret("customer_hmac_key").encode()

    def refresh(self, now: bool = False) -> bool:
        """Read the list anew where it changed; True where it names anybody.

        Raises:
            SuppressionError: it is damaged.
        """
        if now or time.monotonic() - self._checked >= CHECK_SECONDS:
            self._checked = time.monotonic()
            try:
                status = self.path.stat()
                stamp = (status.st_mtime_ns, status.st_ino)
            except FileNotFoundError:
                stamp = None
            if stamp != self._stamp:
                self._hashes, self._known, self._stamp = frozenset(entry.hash for entry in self.entries()), {}, stamp
        return bool(self._hashes)

    def entries(self) -> list[Entry]:
        """The whole list.

        Raises:
            SuppressionError: it is damaged.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=list[Entry])
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as error:
            raise SuppressionError(f"{self.path} is damaged ({error}): restore it from a backup before anything is loaded") from None

    def add(self, ids: Iterable[tuple[str, str, str]]) -> int:
        """Write (shop_id, kind, id) of an erased person to the list, in one atomic step; returns how many were new.

        Raises:
            SuppressionError: the list is damaged.
        """
        new = {self.hash(*one): one[1] for one in ids}
        with lake.exclusive(self.path.parent):  # another shop's erasure may add at the same moment
            known = self.entries()
            there = {entry.hash for entry in known}
            fresh = [Entry(digest, kind, datetime.now(UTC)) for digest, kind in new.items() if digest not in there]
            lake.replace(self.path, msgspec.json.format(msgspec.json.encode([*known, *fresh]), indent=1))
        self.refresh(now=True)
        return len(fresh)

    def names(self, shop_id: str, kind: str, value: str) -> bool:
        """Whether the id is one of an erased person."""
        place = (shop_id, kind, value)
        found = self._known.get(place)
        if found is None:
            if len(self._known) >= KNOWN_IDS:
                self._known.clear()
            found = self._known[place] = self.hash(*place) in self._hashes
        return found

    def concerns(self, shop_id: str, customer: str | None, client: str | None) -> bool:
        """Whether a row with these ids is an erased person's: by its customer, or, where it has none, by its client."""
        if customer:
            return self.names(shop_id, CUSTOMER, customer)
        return bool(client) and self.names(shop_id, CLIENT, client)

    def anonymous(self, event: Event) -> Event:
        """``event`` as it may be kept: itself, or, of an erased person, without customer and with tokens for its ids."""
        if not self._hashes or not self.concerns(event.shop_id, event.user_id, event.client_id):
            return event
        tokens = {name: self.token(event.shop_id, name, value) for name in TOKENS if (value := getattr(event, name))}
        return msgspec.structs.replace(event, user_id=None, event_id=self.event_id(event.shop_id, event.event_id), **tokens)

    def filtered(self, accepted: Iterator[tuple[int, Event]] | list[tuple[int, Event]]) -> list[tuple[int, Event]]:
        """(offset, event) of a batch as they may be counted or kept; call once a batch."""
        if not self.refresh():
            return list(accepted)
        return [(offset, self.anonymous(event)) for offset, event in accepted]

    def of_now(self) -> Suppression | None:
        """Itself with the list and the key as they are now, to be sent to other processes; None while nobody is erased."""
        return self if self.refresh(now=True) and self._key else None

    def stand_in(self, shop_id: str, name: str, value: str) -> str:
        """What stands for the id ``value`` of the event's field ``name``."""
        return self.event_id(shop_id, value) if name == "event_id" else self.token(shop_id, name, value)

    def token(self, shop_id: str, kind: str, value: str) -> str:
        """What stands for an id of an erased person; a token's token is itself."""
        return value if value.startswith(TOKEN) else f"{TOKEN}{self._digest('token', shop_id, kind, value)[:32]}"

    def event_id(self, shop_id: str, value: str) -> str:
        """The UUID, version 8, that stands for an event of an erased person."""
        digest = bytearray.fromhex(self._digest("token", shop_id, "event_id", value)[:32])
        digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
        return str(uuid.UUID(bytes=bytes(digest)))

    def hash(self, shop_id: str, kind: str, value: str) -> str:
        """The keyed hash under which an id is on the list."""
        return self._digest("suppressed", shop_id, kind, value)

    def _digest(self, *parts: str) -> str:
        return hmac.new(self._key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()
