"""INSERT … ON CONFLICT: both databases say it alike, and SQLAlchemy has it once for each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_KINDS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(connection: Connection, table: Table) -> Any:
    """The beginning of such a statement."""
    return _KINDS[connection.dialect.name](table)
