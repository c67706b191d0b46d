"""Many rows in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T", int, str)

_AT_ONCE = 500  # values in one statement
_KINDS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in order, as many at once as a statement may hold."""
    ordered = sorted(values)
    for first in range(0, len(ordered), _AT_ONCE):
        yield ordered[first : first + _AT_ONCE]


def upsert(connection: Connection, table: Table) -> Any:
    """The beginning of INSERT … ON CONFLICT, which SQLAlchemy has once for each database."""
    return _KINDS[connection.dialect.name](table)
