"""Import many people: stage them in a temporary table, then merge them into the list.

Staging takes no lock. Merging holds the write lock as long as the database writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    literal,
    select,
    true,
    union,
    update,
)

from newsletter.model import Status
from newsletter.store import subscription_status, suppression
from newsletter.store.address_keys import AddressKeys
from newsletter.store.bulk import upsert
from newsletter.store.schema import lists, subscribers, subscriptions, suppressions
from newsletter.store.subscription_status import ACTIVE, PENDING, UNSUBSCRIBED
from newsletter.store.suppression import ERASED

CACHE = 65_536  # KiB for SQLite while it merges; its default of 2,000 is slower

ImportLine = tuple[int, str, str, Status]  # line, address, name, status
_STATUSES = {Status.ACTIVE: ACTIVE, Status.PENDING: PENDING}  # others: unsubscribed


def _temporary(name: str, *, unique: bool) -> Table:
    """A temporary table of lines; ``unique``: each address only once."""
    return Table(
        name,
        MetaData(),
        Column("line", Integer, nullable=False),
        Column("email", String(320), nullable=False),
        Column("name", String(200), nullable=False),
        Column("address_key", Text, nullable=False, primary_key=unique),
        Column("status", Integer, nullable=False),
        prefixes=["TEMPORARY"],
    )


_staged = _temporary("staged_people", unique=False)
_merged = _temporary("merged_people", unique=True)


@dataclass(frozen=True)
class MergeResult:
    """The result of an import."""

    people: int
    new: int  # people who were not on the list
    repeated: int  # lines with an address that another line has
    kept_out: int  # people active in the import who stay unsubscribed or suppressed
    statuses: dict[Status, int]  # in the import, by people
    erased: list[tuple[int, str]]  # line and address of each erased person


class StagedImport:
    """The people to import into one list, within an open transaction that need not write yet."""

    def __init__(self, connection: Connection, keys: AddressKeys, list_id: int) -> None:
        self._connection, self._keys, self._list_id = connection, keys, list_id
        # Plain tuples for the driver: through SQLAlchemy this takes four times as long.
        mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
        marks = ", ".join([mark] * len(_staged.columns))
        self._insert = f"INSERT INTO {_staged.name} VALUES ({marks})"  # noqa: S608 - no values in it

    def __enter__(self) -> StagedImport:
        for table in (_staged, _merged):
            table.create(self._connection, checkfirst=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None:  # otherwise the rollback drops them
            for table in (_staged, _merged):
                table.drop(self._connection)

    def stage(self, lines: Iterable[ImportLine]) -> None:
        """Add people to the temporary table."""
        key = self._keys.key
        rows: Any = [(line, email, name, key(email), int(s)) for line, email, name, s in lines]
        if rows:
            self._connection.exec_driver_sql(self._insert, rows)

    def merge(self, now: datetime) -> MergeResult:
        """Add all staged people to the list.

        People who unsubscribed, are suppressed or were erased do not become active. Of several
        lines with one address the strictest counts, and of these the last with a name.
        """
        connection = self._connection
        self._deduplicate()
        # The transaction starts with a write, which waits for the write lock, so that no other
        # process writes in between. It also locks the list against other imports.
        own_list = lists.c.id == self._list_id
        connection.execute(update(lists).where(own_list).values(name=lists.c.name))
        with _larger_cache(connection):
            erased = self._remove_erased()
            old_size = self._list_size()
            self._write_subscribers(now)
            self._write_subscriptions(now)
            self._write_suppressions(now)
            return self._result(old_size, erased)

    def _deduplicate(self) -> None:
        """Keep one line for each address: the line that counts sorts first, the others conflict."""
        order = (_staged.c.status.desc(), _staged.c.name == "", _staged.c.line.desc())
        rows = select(_staged).order_by(_staged.c.address_key, *order)
        statement = upsert(self._connection, _merged).from_select(list(_merged.c.keys()), rows)
        self._connection.execute(statement.on_conflict_do_nothing())

    def _remove_erased(self) -> list[tuple[int, str]]:
        erased_keys = select(suppressions.c.address_key).where(suppressions.c.reason == ERASED)
        if not self._connection.scalar(select(erased_keys.exists())):
            return []
        lines = select(_staged.c.line, _staged.c.email).where(
            _staged.c.address_key.in_(erased_keys)
        )
        erased = [(line, email) for line, email in self._connection.execute(lines)]
        for table in (_staged, _merged):
            self._connection.execute(delete(table).where(table.c.address_key.in_(erased_keys)))
        return erased

    def _write_subscribers(self, now: datetime) -> None:
        rows = select(_merged.c.email, _merged.c.name, _merged.c.address_key, _moment(now)).where(
            true()
        )
        statement = upsert(self._connection, subscribers).from_select(
            ["email", "name", "address_key", "created_at"], rows
        )
        new_name = statement.excluded.name
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["address_key"],
                set_={"name": new_name},
                # A person who was erased meanwhile gets no name.
                where=and_(
                    new_name != "", new_name != subscribers.c.name, subscribers.c.email.is_not(None)
                ),
            )
        )

    def _write_subscriptions(self, now: datetime) -> None:
        suppressed = suppressions.c.address_key.is_not(None)
        status = case(
            (suppressed, UNSUBSCRIBED),
            *((_merged.c.status == int(s), word) for s, word in _STATUSES.items()),
            else_=UNSUBSCRIBED,
        )
        rows = (
            select(literal(self._list_id), subscribers.c.id, status, _moment(now))
            .join_from(_merged, subscribers, subscribers.c.address_key == _merged.c.address_key)
            .outerjoin(suppressions, suppressions.c.address_key == _merged.c.address_key)
            .where(true())
        )
        subscription_status.merge(self._connection, rows)

    def _write_suppressions(self, now: datetime) -> None:
        reason = case(
            *((_merged.c.status == int(s), s.word) for s in Status if s.suppresses),
        )
        rows = select(_merged.c.address_key, reason, _moment(now)).where(
            _merged.c.status >= int(Status.BLOCKED)
        )
        suppression.merge(self._connection, rows)

    def _result(self, old_size: int, erased: list[tuple[int, str]]) -> MergeResult:
        connection = self._connection
        statuses = {
            Status(status): count
            for status, count in connection.execute(
                select(_merged.c.status, func.count()).group_by(_merged.c.status)
            )
        }
        people = sum(statuses.values())
        lines = connection.scalar(select(func.count()).select_from(_staged)) or 0
        return MergeResult(
            people=people,
            new=self._list_size() - old_size,
            repeated=lines - people,
            kept_out=self._kept_out(),
            statuses=statuses,
            erased=erased,
        )

    def _kept_out(self) -> int:
        """How many people are active in the import, but unsubscribed or suppressed here."""
        unsubscribed = (
            select(subscribers.c.address_key)
            .join(subscriptions)
            .where(subscriptions.c.list_id == self._list_id, subscriptions.c.status != ACTIVE)
        )
        barred = union(unsubscribed, select(suppressions.c.address_key))
        is_active = _merged.c.status == int(Status.ACTIVE)
        people = select(func.count()).where(is_active, _merged.c.address_key.in_(barred))
        return self._connection.scalar(people) or 0

    def _list_size(self) -> int:
        on_list = subscriptions.c.list_id == self._list_id
        return self._connection.scalar(select(func.count()).where(on_list)) or 0


def _moment(now: datetime) -> ColumnElement[datetime]:
    return literal(now, subscribers.c.created_at.type)


@contextmanager
def _larger_cache(connection: Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        yield
        return
    default = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size={default}")
