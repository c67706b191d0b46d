"""People and outcomes, in SQLite or PostgreSQL. The only package that knows SQLAlchemy.

People: ``subscribers``, ``subscriber_import`` (many at once), ``subscription_status``,
``suppression`` (addresses that are never mailed), ``mailable`` (who may be mailed), ``lists``,
``address_keys`` (hashes of addresses), ``signups``, ``erasure``, ``list_growth``.
Sends: ``sends`` (freeze), ``ledger`` (claims and outcomes), ``transitions``, ``doubt``,
``recalls``, ``pause_cancel``, ``send_missing`` (to readers who did not get it), ``receipts``.
Provider events: ``event_inbox``, ``events``, ``delivery_lookup``, ``reader_pseudonyms``,
``figures``.
Issues: ``approvals``, ``occurrences`` (the timetable), ``alerts``, ``archive``, ``corrections``,
``search_counts``.
The database itself: ``database``, ``engine``, ``migrate``, ``database_copy``, ``key_values``,
``leases``, and the tables in ``schema``.
Functions take the connection of an open transaction first, and return plain data.
"""

from newsletter.store.database import Connection, Database, open_database

__all__ = ["Connection", "Database", "open_database"]
