"""Copy all tables from SQLite into another database: completely and verified, or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError

from newsletter.model import IssueName
from newsletter.store import key_values
from newsletter.store.address_keys import ADDRESS_KEY
from newsletter.store.column_types import metadata
from newsletter.store.database import MOVED, Database
from newsletter.store.doubt import LEASED
from newsletter.store.occurrences import OccurrenceState
from newsletter.store.schema import batches, occurrences, sends

_CHUNK = 5_000  # rows
_WRITES = ("INSERT", "UPDATE", "DELETE")

CopyProgress = Callable[[str, int], None]  # gets a table, and how many of its rows are copied


class DiffersError(Exception):
    """A table in the new database differs from the old one; the message says which."""


def issue_in_progress(connection: Connection, now: datetime) -> IssueName | None:
    """An issue that some process works on now; None if there is none."""
    issue: IssueName | None = connection.scalar(
        select(sends.c.issue)
        .join(batches, batches.c.send_id == sends.c.id)
        .where(batches.c.state.in_(LEASED), batches.c.lease_until > now)
        .limit(1)
    )
    return issue or connection.scalar(
        select(occurrences.c.issue)
        .where(occurrences.c.state == OccurrenceState.STARTED, occurrences.c.lease_until > now)
        .limit(1)
    )


def move_record(connection: Connection) -> dict[str, str]:
    """Where the database was moved: ``to`` (location), ``at`` (ISO 8601), and ``done`` if the copy
    is known to be complete. Empty if the database is in use.
    """
    value = key_values.get(connection, MOVED)
    return dict(json.loads(value)) if value else {}


def is_copy(source: Connection, target: Connection) -> bool:
    """Whether ``target`` holds a copy of ``source``. It is complete: a copy is one transaction."""
    key = key_values.get(source, ADDRESS_KEY)
    return key is not None and key == key_values.get(target, ADDRESS_KEY)


def close(connection: Connection, location: str, now: datetime, *, done: bool = False) -> None:
    """Close this database to every process that writes, and record the new ``location``.

    ``done``: the copy is complete; without it the move must be run again.
    """
    reopen(connection)  # a killed process may have closed only part of it
    mark = {"to": location, "at": now.isoformat()} | ({"done": "yes"} if done else {})
    key_values.put(connection, MOVED, json.dumps(mark))
    for table in metadata.sorted_tables:
        for change in _WRITES:
            connection.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS moved_{table.name}_{change.lower()} "
                    f"BEFORE {change} ON {table.name} "
                    f"BEGIN SELECT RAISE(ABORT, '{MOVED}'); END"
                )
            )


def reopen(connection: Connection) -> None:
    """Open the database again, after a move that failed."""
    for table in metadata.sorted_tables:
        for change in _WRITES:
            connection.execute(text(f"DROP TRIGGER IF EXISTS moved_{table.name}_{change.lower()}"))
    key_values.delete_key(connection, MOVED)


def is_empty(database: Database) -> bool:
    """Whether a migrated database has no rows, and no tables of other programs."""
    with database.read() as connection:
        foreign = set(inspect(connection).get_table_names()) - {
            *metadata.tables,
            "alembic_version",
        }
        return not foreign and not any(_count(connection, t) for t in metadata.sorted_tables)


def copy(source: Connection, target: Connection, progress: CopyProgress) -> dict[str, int]:
    """Copy every row. Returns table → rows.

    Raises DiffersError if the copy differs; the caller must roll it back.
    """
    counts = {}
    for table in metadata.sorted_tables:
        copied = 0
        for rows in _batches(source, table):
            _put(target, table, rows)
            copied += len(rows)
            progress(table.name, copied)
        counts[table.name] = copied
    for table in metadata.sorted_tables:
        if (old := _digest(source, table)) != (new := _digest(target, table)):
            sizes = f"{old[0]} rows, {new[0]} copied"
            raise DiffersError(f"the copy of the table {table.name} is not the same ({sizes})")
        _set_sequence(target, table)
    return counts


def _put(target: Connection, table: Table, rows: list[Row[Any]]) -> None:
    try:
        target.execute(insert(table), [dict(row._mapping) for row in rows])
    except (DataError, IntegrityError) as error:
        reason = str(error.orig).partition("\n")[0]
        raise DiffersError(f"a row of the table {table.name} does not fit ({reason})") from error


def _batches(connection: Connection, table: Table) -> Iterator[list[Row[Any]]]:
    """The rows of the table, except the mark that closes the database."""
    query = select(table)
    if table.name == "facts":
        query = query.where(table.c.name != MOVED)
    result = connection.execute(query, execution_options={"yield_per": _CHUNK})
    for rows in result.partitions():
        yield list(rows)


def _digest(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows there are, and a checksum that does not depend on their order."""
    count = total = 0
    for rows in _batches(connection, table):
        for row in rows:
            content = json.dumps([_plain(value) for value in row], sort_keys=True).encode()
            total += int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())
        count += len(rows)
    return count, total % (1 << 64)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, IssueName):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def _set_sequence(connection: Connection, table: Table) -> None:
    """Let new rows get ids after the copied ones."""
    (key, *other_keys) = table.primary_key
    if other_keys or not isinstance(key.type, Integer) or key.foreign_keys:
        return
    if connection.dialect.name == "postgresql":
        last = connection.scalar(select(func.max(key)))
        if last:
            name = func.pg_get_serial_sequence(table.name, key.name)
            connection.execute(select(func.setval(name, last)))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
