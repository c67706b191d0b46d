"""What the tables are made of: moments that know their zone, and names by one rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, MetaData, String, TypeDecorator
from sqlalchemy.engine import Dialect

from newsletter.model import IssueName


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; SQLite forgets zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse naive moments: nobody knows what they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """What comes out is UTC."""
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class NameOfIssue(TypeDecorator[IssueName]):
    """The name of an issue, kept as its text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: IssueName | None, _dialect: Dialect) -> str | None:
        """``2025-07-07``."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> IssueName | None:
        """What the text names."""
        return None if value is None else IssueName.parse(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# The name of an issue, or of a mail that corrects one. It was shorter once; SQLite minds no length.
ISSUE = NameOfIssue(10).with_variant(NameOfIssue(20), "postgresql")
