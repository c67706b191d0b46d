"""People and outcomes, in SQLite or PostgreSQL. The only package that knows SQLAlchemy.

A module for each subject: ``subscribers``, ``imports`` (many of them at once), ``sends`` (freeze),
``ledger`` (claims and outcomes), ``doubt``, ``recalls``, ``stopping``, ``missing``, ``receipts``,
``approvals``, ``occurrences``, ``signups``, ``standing`` (how a reader stands on a list).
Their functions take the connection of an open transaction first, and give plain data.
"""

from newsletter.store.database import Connection, Database, open_database

__all__ = ["Connection", "Database", "open_database"]
