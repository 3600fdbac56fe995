"""What /api/v1 takes and gives, as its OpenAPI document says it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field, create_model

from analytics import ranges
from analytics.datasets import Dataset

KINDS: dict[str, tuple[type, str]] = {
    "text": (str, ""),
    "date": (date, ""),
    "time": (datetime, ""),
    "integer": (int, ""),
    "money": (str, "decimal string, shop currency"),
    "number": (str, "decimal string"),
    "boolean": (bool, ""),
}
LARGEST_PAGE = 1000


class Shop(Schema):
    shop_id: str
    name: str
    time_zone: str
    currency: str


class Metric(Schema):
    name: str
    title: str
    unit: str
    kind: str
    definition: str


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def page_of(dataset: Dataset) -> type[Schema]:
    """A page of the dataset's rows; ``next_page`` is null on the last."""
    fields: dict[str, Any] = {}
    for column in dataset.columns:
        kind, unit = KINDS[column.kind]
        fields[column.name] = (kind | None, Field(None, description=". ".join(filter(None, [column.help, unit]))))
    row = create_model(f"{_camel(dataset.name)}Row", __base__=Schema, **fields)
    return create_model(
        f"{_camel(dataset.name)}Page", __base__=Schema, items=(list[row], ...), page=(int, ...), next_page=(int | None, None)
    )


def query_of(dataset: Dataset) -> type[Schema]:
    """The parameters of the dataset's operation: shop, days, its own options, page."""
    fields: dict[str, Any] = {
        "shop": (str, Field(description="a shop_id of /shops")),
        "range": (
            Literal[(*ranges.NAMED, ranges.CUSTOM)] | None,
            Field(None, description=f"default: {ranges.DEFAULT}; custom needs from and to"),
        ),
        "from_": (date | None, Field(None, alias="from")),
        "to": (date | None, Field(None)),
        "compare": (Literal[tuple(ranges.COMPARISONS)] | None, Field(None, description="default: previous")),
        "grain": (Literal[tuple(ranges.GRAINS)] | None, Field(None)),
        "page": (int, Field(1, ge=1)),
        "page_size": (int, Field(100, ge=1, le=LARGEST_PAGE)),
    }
    for option in dataset.options:
        kind = Literal[option.choices] if option.choices else str
        default = ... if option.required else option.default
        fields[option.name] = (kind, Field(default, description=option.help))
    return create_model(f"{_camel(dataset.name)}Query", __base__=Schema, **fields)
