"""Provider events, each stored once, and the reported state of deliveries, which only advances."""

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
            # Of two events with the same state the earlier counts, in whatever order they come.
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
    """The reported state of a delivery before new events are applied."""

    subscriber: int  # id
    reported: int | None  # model.Reported
    reported_at: datetime | None
    erased: bool  # the subscriber


class EventRow(NamedTuple):
    """A row of the table ``events``, whose columns are described there."""

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
    """Lock those of these deliveries that belong to the send, until the transaction ends."""
    locked: dict[int, ReportedDelivery] = {}
    for chunk in chunks(ids):
        rows = connection.execute(
            select(
                deliveries.c.id,
                deliveries.c.subscriber_id,
                deliveries.c.reported,
                deliveries.c.reported_at,
                subscribers.c.email.is_(None).label("erased"),
            )
            .join_from(deliveries, subscribers)
            .where(deliveries.c.id.in_(chunk))
            .where(deliveries.c.send_id == send_id)
            .order_by(deliveries.c.id)
            .with_for_update(of=deliveries)
        )
        locked.update((row.id, ReportedDelivery(*row[1:])) for row in rows)
    return locked


def list_id(connection: Connection, send_id: int) -> int:
    """The id of the list that a send goes to; 0 if there is no such send."""
    return int(connection.scalar(select(sends.c.list_id).where(sends.c.id == send_id)) or 0)


def add(connection: Connection, rows: Iterable[EventRow]) -> set[str]:
    """Store events; returns the keys of the new ones."""
    # In a fixed order, so that two processes with the same events do not deadlock.
    values = [row._asdict() for row in sorted(rows, key=lambda row: row.key)]
    if not values:
        return set()
    statement = upsert(connection, events)
    added = connection.execute(
        statement.on_conflict_do_nothing(index_elements=["key"]).returning(events.c.key), values
    )
    return set(added.scalars())


def advance_deliveries(
    connection: Connection, reported: Mapping[int, tuple[Reported, datetime]]
) -> None:
    """Advance deliveries to their reported states. None moves back."""
    rows = [
        {"number": number, "new": int(state), "moment": at}
        for number, (state, at) in sorted(reported.items())
    ]
    if rows:
        connection.execute(_FORWARD, rows)


def mark_prefetched(
    connection: Connection, send_id: int, delivered: Mapping[str, datetime]
) -> None:
    """Mark events within PREFETCH after a delivery as a machine's. ``delivered``: by pseudonym."""
    rows = [
        {"send": send_id, "whose": name, "until": at + PREFETCH}
        for name, at in sorted(delivered.items())
    ]
    if rows:
        connection.execute(_PREFETCHED, rows)


def is_closed(connection: Connection, send_id: int) -> bool:
    """Whether the events of the send were deleted, and its figures are final.

    If not, no process can delete them until the transaction ends.
    """
    send = select(sends.c.id).where(sends.c.id == send_id)
    connection.execute(send.with_for_update(read=True, key_share=True))
    return bool(connection.scalar(select(exists().where(figures.c.send_id == send_id))))


def delete_all(connection: Connection, send_id: int) -> None:
    """Delete the events of a send, and the key of its pseudonyms."""
    connection.execute(delete(events).where(events.c.send_id == send_id))
    reader_pseudonyms.delete_key(connection, send_id)


def delete_before(connection: Connection, moment: datetime) -> None:
    """Delete the events received before ``moment`` that belong to no send."""
    connection.execute(
        delete(events).where(events.c.send_id.is_(None), events.c.received_at < moment)
    )


def anonymize(connection: Connection, newsletter: str) -> None:
    """Detach readers from opens and clicks stored while ``per_reader`` was on."""
    newsletter_sends = select(sends.c.id).where(sends.c.newsletter == newsletter)
    connection.execute(
        update(events)
        .where(events.c.reader.is_not(None), events.c.subscriber_id.is_not(None))
        .where(events.c.send_id.in_(newsletter_sends))
        .values(subscriber_id=None)
    )
