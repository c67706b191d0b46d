"""Events, each once, and what they tell of deliveries, which only moves forward."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)

from newsletter.model import Reported
from newsletter.scanners import PREFETCH
from newsletter.store import reader_pseudonyms
from newsletter.store.bulk import chunks, upsert
from newsletter.store.schema import deliveries, events, figures, sends, subscribers

_FORWARD = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("number"))
    .where(
        or_(
            deliveries.c.reported.is_(None),
            deliveries.c.reported < bindparam("new"),
            # Of two that say the same the first counts, whatever their order.
            and_(
                deliveries.c.reported == bindparam("new"),
                deliveries.c.reported_at > bindparam("moment"),
            ),
        )
    )
    .values(reported=bindparam("new"), reported_at=bindparam("moment"))
)
_PREFETCHED = (
    update(events)
    .where(
        events.c.send_id == bindparam("send"),
        events.c.reader == bindparam("whose"),
        events.c.reader.is_not(None),
        events.c.at <= bindparam("until"),
        ~events.c.machine,
    )
    .values(machine=True)
)


class ReportedDelivery(NamedTuple):
    """A delivery as it is known before its events are read."""

    subscriber: int
    reported: int | None
    reported_at: datetime | None
    erased: bool


class EventRow(NamedTuple):
    """An event as it is stored: see the columns of ``events``."""

    key: str
    kind: str
    at: datetime
    received_at: datetime
    send_id: int | None
    subscriber_id: int | None
    reader: str | None
    link: str | None
    machine: bool
    raw: str | None


def lock_deliveries(
    connection: Connection, send_id: int, ids: Collection[int]
) -> dict[int, ReportedDelivery]:
    """The deliveries of a send among these; nobody else changes them until the end."""
    found: dict[int, ReportedDelivery] = {}
    for some in chunks(ids):
        rows = connection.execute(
            select(
                deliveries.c.id,
                deliveries.c.subscriber_id,
                deliveries.c.reported,
                deliveries.c.reported_at,
                subscribers.c.email.is_(None).label("erased"),
            )
            .join_from(deliveries, subscribers)
            .where(deliveries.c.id.in_(some))
            .where(deliveries.c.send_id == send_id)
            .order_by(deliveries.c.id)
            .with_for_update(of=deliveries)
        )
        found.update((row.id, ReportedDelivery(*row[1:])) for row in rows)
    return found


def list_id(connection: Connection, send_id: int) -> int:
    """The list that a send goes to."""
    return int(connection.scalar(select(sends.c.list_id).where(sends.c.id == send_id)) or 0)


def add(connection: Connection, rows: Iterable[EventRow]) -> set[str]:
    """Store events; the keys of those that are new."""
    # In one order, so that two processes with the same events do not wait for each other.
    values = [row._asdict() for row in sorted(rows, key=lambda row: row.key)]
    if not values:
        return set()
    statement = upsert(connection, events)
    made = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["key"]).returning(events.c.key), values
    )
    return set(made.scalars())


def advance_deliveries(
    connection: Connection, reported: Mapping[int, tuple[Reported, datetime]]
) -> None:
    """Move deliveries to what is reported of them, where that is further."""
    rows = [
        {"number": number, "new": int(state), "moment": at}
        for number, (state, at) in sorted(reported.items())
    ]
    if rows:
        connection.execute(_FORWARD, rows)


def mark_prefetched(
    connection: Connection, send_id: int, delivered: Mapping[str, datetime]
) -> None:
    """What these readers did within the first seconds after their delivery, a machine did."""
    rows = [
        {"send": send_id, "whose": name, "until": at + PREFETCH}
        for name, at in sorted(delivered.items())
    ]
    if rows:
        connection.execute(_PREFETCHED, rows)


def is_closed(connection: Connection, send_id: int) -> bool:
    """Whether the events of the send are gone already, and its figures final.

    Where they are not, nobody deletes them until the transaction ends.
    """
    shared = select(sends.c.id).where(sends.c.id == send_id)
    connection.execute(shared.with_for_update(read=True, key_share=True))
    return bool(connection.scalar(select(exists().where(figures.c.send_id == send_id))))


def delete_all(connection: Connection, send_id: int) -> None:
    """Delete the events of a send, and the key to the names of its readers."""
    connection.execute(delete(events).where(events.c.send_id == send_id))
    reader_pseudonyms.delete_key(connection, send_id)


def delete_before(connection: Connection, moment: datetime) -> None:
    """Delete the events that belong to no send, and came before it."""
    connection.execute(
        delete(events).where(events.c.send_id.is_(None), events.c.received_at < moment)
    )


def anonymize(connection: Connection, newsletter: str) -> None:
    """Take readers out of opens and clicks, where they stand from when that was asked for."""
    theirs = select(sends.c.id).where(sends.c.newsletter == newsletter)
    connection.execute(
        update(events)
        .where(events.c.reader.is_not(None), events.c.subscriber_id.is_not(None))
        .where(events.c.send_id.in_(theirs))
        .values(subscriber_id=None)
    )
