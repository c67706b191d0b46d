"""Many rows in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T", int, str)

_CHUNK = 500  # values in one statement
_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in order, in lists that are short enough for one statement."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def upsert(connection: Connection, table: Table) -> Any:
    """The start of INSERT … ON CONFLICT, which SQLAlchemy has separately for each database."""
    return _INSERTS[connection.dialect.name](table)
