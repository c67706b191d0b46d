"""Column types for moments and issue names, and the naming of indexes and keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, MetaData, String, TypeDecorator
from sqlalchemy.engine import Dialect

from newsletter.model import IssueName


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC, because SQLite stores no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """The moment in UTC. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """The moment in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class NameOfIssue(TypeDecorator[IssueName]):
    """The name of an issue, stored as text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: IssueName | None, _dialect: Dialect) -> str | None:
        """The text: ``2025-07-07``."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> IssueName | None:
        """The name in the text."""
        return None if value is None else IssueName.parse(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The name of an issue or of a correction mail. It used to be shorter; SQLite ignores lengths.
ISSUE = NameOfIssue(10).with_variant(NameOfIssue(20), "postgresql")
