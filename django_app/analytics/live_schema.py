"""The schema of a live snapshot, version 2: what /api/v1/live answers and what the socket's messages carry. It refuses any other field."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ecommerce.live.snapshot import VERSION

Money = Annotated[str, Field(pattern=r"^-?\d+\.\d{4}$", description="decimal string, shop currency")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Bucket(Strict):
    events: int
    orders: int
    net_revenue: Money


class Hour(Bucket):
    hour: str


class Minute(Bucket):
    minute: datetime
    gross_revenue: Money


class Now(Strict):
    visitors: int
    sessions: int
    window_minutes: int


class Product(Strict):
    item_id: str
    item_name: str
    units: int
    gross_revenue: Money


class Place(Strict):
    value: str
    events: int
    orders: int
    gross_revenue: Money


class Rebuild(Strict):
    percent: int
    since: datetime


class Event(Strict):
    """An anonymous event; ``value`` is what its items cost."""

    event_name: str
    event_time: datetime
    item_name: str | None
    items: int
    quantity: int
    value: Money | None
    country: str | None
    channel: str | None
    device: str | None


class Totals(Strict):
    received: int
    counted: int
    duplicates: int
    late: int
    refused: dict[str, int] = Field(description="by reason; received = counted + duplicates + late + refused")


class Snapshot(Strict):
    """The shop's current day as counted now: sums exact; estimates, now and funnel with ``standard_error``."""

    version: Literal[VERSION]
    shop_id: str
    currency: str
    time_zone: str
    date: date
    as_of: datetime
    measures: dict[str, int | Money]
    estimates: dict[str, int]
    standard_error: float
    now: Now
    funnel: dict[str, int] = Field(description="sessions that reached each step")
    minutes: list[Minute]
    hours: list[Hour]
    top_products: list[Product]
    breakdown: dict[Literal["country", "channel", "device"], list[Place]]
    rebuild: Rebuild | None
    rebuilt_at: datetime | None
    latest: list[Event]
    events_per_second: float
    totals: Totals
    last_event_at: datetime | None
    lag_ms: int | None
