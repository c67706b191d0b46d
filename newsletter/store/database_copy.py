"""All tables from SQLite into another database: whole and verified, or not at all."""

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

_AT_ONCE = 5_000  # rows
_CHANGES = ("INSERT", "UPDATE", "DELETE")

Progress = Callable[[str, int], None]  # a table, and its rows that are over


class DiffersError(Exception):
    """A table does not hold in the new database what it holds in the old one; in words."""


def issue_in_progress(connection: Connection, now: datetime) -> IssueName | None:
    """The issue that some process is at work on, if there is one."""
    found: IssueName | None = connection.scalar(
        select(sends.c.issue)
        .join(batches, batches.c.send_id == sends.c.id)
        .where(batches.c.state.in_(LEASED), batches.c.lease_until > now)
        .limit(1)
    )
    return found or connection.scalar(
        select(occurrences.c.issue)
        .where(occurrences.c.state == OccurrenceState.STARTED, occurrences.c.lease_until > now)
        .limit(1)
    )


def move_record(connection: Connection) -> dict[str, str]:
    """``to`` where, and ``at`` what moment, the database was closed, and ``done`` where it is known
    that everything is there; empty where it is in use.
    """
    found = key_values.get(connection, MOVED)
    return dict(json.loads(found)) if found else {}


def is_copy(source: Connection, target: Connection) -> bool:
    """Whether everything of the one has come into the other: the copy is one transaction."""
    key = key_values.get(source, ADDRESS_KEY)
    return key is not None and key == key_values.get(target, ADDRESS_KEY)


def close(connection: Connection, place: str, now: datetime, *, done: bool = False) -> None:
    """Let nobody write into this database any more, also who has it open; it says where to go, or
    that the move is to be done again.
    """
    reopen(connection)  # a killed process may have left it half-way
    mark = {"to": place, "at": now.isoformat()} | ({"done": "yes"} if done else {})
    key_values.put(connection, MOVED, json.dumps(mark))
    for table in metadata.sorted_tables:
        for change in _CHANGES:
            connection.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS moved_{table.name}_{change.lower()} "
                    f"BEFORE {change} ON {table.name} "
                    f"BEGIN SELECT RAISE(ABORT, '{MOVED}'); END"
                )
            )


def reopen(connection: Connection) -> None:
    """It has not become anything: the database is used on."""
    for table in metadata.sorted_tables:
        for change in _CHANGES:
            connection.execute(text(f"DROP TRIGGER IF EXISTS moved_{table.name}_{change.lower()}"))
    key_values.delete_key(connection, MOVED)


def is_empty(database: Database) -> bool:
    """Whether nobody has written anything into it yet. It is migrated already."""
    with database.read() as connection:
        others = set(inspect(connection).get_table_names()) - {
            *metadata.tables,
            "alembic_version",
        }
        return not others and not any(_count(connection, t) for t in metadata.sorted_tables)


def copy(source: Connection, target: Connection, progress: Progress) -> dict[str, int]:
    """Every row of every table; how many there are. Raises DiffersError: nothing is to be kept."""
    counts = {}
    for table in metadata.sorted_tables:
        done = 0
        for rows in _batches(source, table):
            _put(target, table, rows)
            done += len(rows)
            progress(table.name, done)
        counts[table.name] = done
    for table in metadata.sorted_tables:
        if (was := _digest(source, table)) != (now := _digest(target, table)):
            sizes = f"{was[0]} rows, {now[0]} copied"
            raise DiffersError(f"the copy of the table {table.name} is not the same ({sizes})")
        _set_sequence(target, table)
    return counts


def _put(target: Connection, table: Table, rows: list[Row[Any]]) -> None:
    try:
        target.execute(insert(table), [dict(row._mapping) for row in rows])
    except (DataError, IntegrityError) as error:
        why = str(error.orig).partition("\n")[0]
        raise DiffersError(f"a row of the table {table.name} does not fit there ({why})") from error


def _batches(connection: Connection, table: Table) -> Iterator[list[Row[Any]]]:
    """Its rows, but for the mark that closes it."""
    rows = select(table)
    if table.name == "facts":
        rows = rows.where(table.c.name != MOVED)
    found = connection.execute(rows, execution_options={"yield_per": _AT_ONCE})
    for some in found.partitions():
        yield list(some)


def _digest(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows, and a sum over what stands in each, whatever their order."""
    count = total = 0
    for rows in _batches(connection, table):
        for row in rows:
            said = json.dumps([_plain(value) for value in row], sort_keys=True).encode()
            total += int.from_bytes(hashlib.blake2b(said, digest_size=8).digest())
        count += len(rows)
    return count, total % (1 << 64)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, IssueName):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def _set_sequence(connection: Connection, table: Table) -> None:
    """New rows get numbers after those that were brought along."""
    (key, *more) = table.primary_key
    if more or not isinstance(key.type, Integer) or key.foreign_keys:
        return
    if connection.dialect.name == "postgresql":
        last = connection.scalar(select(func.max(key)))
        if last:
            name = func.pg_get_serial_sequence(table.name, key.name)
            connection.execute(select(func.setval(name, last)))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
