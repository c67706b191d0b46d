"""Provider requests with events: stored as they came, and removed once they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, delete, insert, select, update

from newsletter.store.schema import reports

TRIES = 5  # after that the request stays unread


@dataclass(frozen=True)
class EventRequest:
    """One request of a provider that is not read yet."""

    id: int
    provider: str
    body: str
    received_at: datetime


def add(connection: Connection, provider: str, body: str, now: datetime) -> int:
    """Store a request as it came; returns its id."""
    added = connection.execute(
        insert(reports)
        .values(provider=provider, body=body, received_at=now)
        .returning(reports.c.id)
    )
    return int(added.scalar_one())


def unread(connection: Connection, received_before: datetime | None = None) -> list[int]:
    """The ids of the requests to read, the oldest first."""
    ids = select(reports.c.id).where(reports.c.tries < TRIES).order_by(reports.c.id)
    if received_before is not None:
        ids = ids.where(reports.c.received_at < received_before)
    return list(connection.scalars(ids))


def lock(connection: Connection, number: int) -> EventRequest | None:
    """Lock a request until the transaction ends; None if another process has it, or read it."""
    row = connection.execute(
        select(reports.c.id, reports.c.provider, reports.c.body, reports.c.received_at)
        .where(reports.c.id == number)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return EventRequest(*row) if row else None


def remove(connection: Connection, number: int) -> None:
    """Delete a request that was read."""
    connection.execute(delete(reports).where(reports.c.id == number))


def mark_failed(connection: Connection, number: int, reason: str, *, fixable: bool = False) -> None:
    """Record why a request could not be read. It is retried up to TRIES times.

    ``fixable``: retry it until a person has fixed the class that reads it.
    """
    tries = reports.c.tries + 1
    if fixable:
        tries = case((tries < TRIES, tries), else_=TRIES - 1)
    connection.execute(
        update(reports).where(reports.c.id == number).values(tries=tries, reason=reason[:1000])
    )


def unreadable(connection: Connection) -> list[tuple[datetime, str]]:
    """When each request came that could not be read, and why."""
    rows = connection.execute(
        select(reports.c.received_at, reports.c.reason)
        .where(reports.c.tries >= TRIES - 1)
        .order_by(reports.c.id)
    )
    return [(at, reason or "") for at, reason in rows]


def delete_before(connection: Connection, moment: datetime) -> None:
    """Delete the unread requests received before ``moment``."""
    connection.execute(delete(reports).where(reports.c.received_at < moment))
