"""What a dataset is: named rows of fixed columns about a scope. Pages, downloads and the API all read the same function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analytics.ranges import RangeError
from analytics.scope import Scope

Kind = Literal["text", "date", "time", "integer", "money", "number", "boolean"]
"""number is a plain decimal (a rate, a lift); money is a decimal in the shop's currency."""


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    help: str = ""


@dataclass(frozen=True)
class Option:
    """A part of the address beside shop and range: free text, or one of ``choices``."""

    name: str
    help: str
    default: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Dataset:
    """Rows about a shop and a range of its days.

    ``read(scope, **options)`` gives tuples in the order of ``columns``, which may be read once; every option has a value.
    """

    name: str
    help: str
    columns: tuple[Column, ...]
    read: Callable[..., Iterable[tuple[Any, ...]]]
    options: tuple[Option, ...] = field(default=())

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """The options of an address's parameters, with their defaults.

        Raises:
            RangeError: an option is missing or none of its choices; the message names it and the remedy.
        """
        return {option.name: _value(option, query.get(option.name) or option.default) for option in self.options}

    def rows(self, scope: Scope, query: Mapping[str, str] | None = None) -> Iterable[tuple[Any, ...]]:
        """The rows for ``scope`` and the options in ``query``."""
        return self.read(scope, **self.asked(query or {}))

    def records(self, scope: Scope, **options: str) -> list[dict[str, Any]]:
        """The rows as dicts by column, all at once."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows(scope, options)]


def _value(option: Option, given: str) -> str:
    if option.required and not given:
        raise RangeError(f"{option.name} is missing: {option.help}")
    if option.choices and given not in option.choices:
        raise RangeError(f"{option.name} {given!r} is unknown: it is one of {', '.join(option.choices)}")
    return given


def columns(text: str) -> tuple[Column, ...]:
    """Columns from ``"name:kind name:kind …"``; a name without a kind is text."""
    return tuple(Column(name, kind or "text") for name, _, kind in (part.partition(":") for part in text.split()))  # type: ignore[arg-type]
