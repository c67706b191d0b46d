"""Many people at once: set aside in a table of the connection's own, then merged into the list.

Setting aside takes no lock; merging does, for as long as the database writes.
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

CACHE = 65_536  # KiB that SQLite may use while it merges; with its usual 2,000 it takes longer

ImportLine = tuple[int, str, str, Status]  # line, address, name, status
_STANDING = {Status.ACTIVE: ACTIVE, Status.PENDING: PENDING}  # all others: unsubscribed


def _aside(name: str, *, once: bool) -> Table:
    """A table that is gone with the transaction; ``once``: with each address but once."""
    return Table(
        name,
        MetaData(),
        Column("line", Integer, nullable=False),
        Column("email", String(320), nullable=False),
        Column("name", String(200), nullable=False),
        Column("address_key", Text, nullable=False, primary_key=once),
        Column("status", Integer, nullable=False),
        prefixes=["TEMPORARY"],
    )


_staged = _aside("staged_people", once=False)
_merged = _aside("merged_people", once=True)


@dataclass(frozen=True)
class MergeResult:
    """What became of an import. ``erased``: the lines that name somebody who was erased."""

    people: int
    new: int
    repeated: int  # lines that name somebody again
    kept_out: int  # whom the import has active, and who stay unsubscribed or suppressed
    statuses: dict[Status, int]
    erased: list[tuple[int, str]]


class StagedImport:
    """People on their way to one list, within an open transaction that need not write yet."""

    def __init__(self, connection: Connection, keys: AddressKeys, list_id: int) -> None:
        self._connection, self._keys, self._list_id = connection, keys, list_id
        # Tuples for the driver itself: the same through SQLAlchemy takes four times as long.
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
        if kind is None:  # otherwise the transaction takes them with it
            for table in (_staged, _merged):
                table.drop(self._connection)

    def stage(self, entries: Iterable[ImportLine]) -> None:
        """Set some people aside."""
        key = self._keys.key
        rows: Any = [(line, email, name, key(email), int(s)) for line, email, name, s in entries]
        if rows:
            self._connection.exec_driver_sql(self._insert, rows)

    def merge(self, now: datetime) -> MergeResult:
        """Put them all on the list.

        Nobody who has unsubscribed, is suppressed or was erased becomes active by it. Of several
        lines with one address the strictest counts, and of these the last that has a name.
        """
        connection = self._connection
        self._one_line_each()
        # The first thing that touches the database is a write: it waits for its turn, and then
        # nobody else has written in between. It also lets one import into the list at a time.
        own_list = lists.c.id == self._list_id
        connection.execute(update(lists).where(own_list).values(name=lists.c.name))
        with _roomy(connection):
            erased = self._leave_out_the_erased()
            previous = self._on_the_list()
            self._write_subscribers(now)
            self._write_subscriptions(now)
            self._write_suppressions(now)
            return self._merged(previous, erased)

    def _one_line_each(self) -> None:
        """Sorted so that the line that counts comes first; the others run into it."""
        order = (_staged.c.status.desc(), _staged.c.name == "", _staged.c.line.desc())
        rows = select(_staged).order_by(_staged.c.address_key, *order)
        statement = upsert(self._connection, _merged).from_select(list(_merged.c.keys()), rows)
        self._connection.execute(statement.on_conflict_do_nothing())

    def _leave_out_the_erased(self) -> list[tuple[int, str]]:
        gone = select(suppressions.c.address_key).where(suppressions.c.reason == ERASED)
        if not self._connection.scalar(select(gone.exists())):
            return []
        named = select(_staged.c.line, _staged.c.email).where(_staged.c.address_key.in_(gone))
        erased = [(line, email) for line, email in self._connection.execute(named)]
        for table in (_staged, _merged):
            self._connection.execute(delete(table).where(table.c.address_key.in_(gone)))
        return erased

    def _write_subscribers(self, now: datetime) -> None:
        rows = select(_merged.c.email, _merged.c.name, _merged.c.address_key, _moment(now)).where(
            true()
        )
        statement = upsert(self._connection, subscribers).from_select(
            ["email", "name", "address_key", "created_at"], rows
        )
        named = statement.excluded.name
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["address_key"],
                set_={"name": named},
                # Who was erased meanwhile has no address any more, and gets no name.
                where=and_(
                    named != "", named != subscribers.c.name, subscribers.c.email.is_not(None)
                ),
            )
        )

    def _write_subscriptions(self, now: datetime) -> None:
        suppressed = suppressions.c.address_key.is_not(None)
        standing = case(
            (suppressed, UNSUBSCRIBED),
            *((_merged.c.status == int(status), word) for status, word in _STANDING.items()),
            else_=UNSUBSCRIBED,
        )
        rows = (
            select(literal(self._list_id), subscribers.c.id, standing, _moment(now))
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

    def _merged(self, before: int, erased: list[tuple[int, str]]) -> MergeResult:
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
            new=self._on_the_list() - before,
            repeated=lines - people,
            kept_out=self._kept_out(),
            statuses=statuses,
            erased=erased,
        )

    def _kept_out(self) -> int:
        """Whom the import would have active, but for what they said, or what became of them."""
        left = (
            select(subscribers.c.address_key)
            .join(subscriptions)
            .where(subscriptions.c.list_id == self._list_id, subscriptions.c.status != ACTIVE)
        )
        barred = union(left, select(suppressions.c.address_key))
        is_active = _merged.c.status == int(Status.ACTIVE)
        query = select(func.count()).where(is_active, _merged.c.address_key.in_(barred))
        return self._connection.scalar(query) or 0

    def _on_the_list(self) -> int:
        own_list = subscriptions.c.list_id == self._list_id
        return self._connection.scalar(select(func.count()).where(own_list)) or 0


def _moment(now: datetime) -> ColumnElement[datetime]:
    return literal(now, subscribers.c.created_at.type)


@contextmanager
def _roomy(connection: Connection) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        yield
        return
    usual = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    connection.exec_driver_sql(f"PRAGMA cache_size=-{CACHE}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size={usual}")
