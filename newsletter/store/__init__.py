"""People and outcomes, in SQLite or PostgreSQL. The only package that knows SQLAlchemy.

A module for each subject: ``subscribers``, ``sends`` (freeze, receipt), ``ledger`` (claims and
outcomes), ``approvals``, ``occurrences``. Their functions take the connection of an open
transaction first, and give plain data.
"""

from newsletter.store.database import Database, open_database

__all__ = ["Database", "open_database"]
