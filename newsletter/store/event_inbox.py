"""What providers have posted: kept as it came before anybody reads it, and gone once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, delete, insert, select, update

from newsletter.store.schema import reports

TRIES = 5  # after that it is kept, and left alone


@dataclass(frozen=True)
class EventRequest:
    """One request of a provider's, not read yet."""

    id: int
    provider: str
    body: str
    received_at: datetime


def add(connection: Connection, provider: str, body: str, now: datetime) -> int:
    """Keep a request as it came; its number."""
    made = connection.execute(
        insert(reports)
        .values(provider=provider, body=body, received_at=now)
        .returning(reports.c.id)
    )
    return int(made.scalar_one())


def unread(connection: Connection, before: datetime | None = None) -> list[int]:
    """The numbers of those that are to be read and came before then, the oldest first."""
    unread = select(reports.c.id).where(reports.c.tries < TRIES).order_by(reports.c.id)
    if before is not None:
        unread = unread.where(reports.c.received_at < before)
    return list(connection.scalars(unread))


def lock(connection: Connection, number: int) -> EventRequest | None:
    """One of them, until the transaction ends; None where another process has it, or had it."""
    row = connection.execute(
        select(reports.c.id, reports.c.provider, reports.c.body, reports.c.received_at)
        .where(reports.c.id == number)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return EventRequest(*row) if row else None


def remove(connection: Connection, number: int) -> None:
    """It is read."""
    connection.execute(delete(reports).where(reports.c.id == number))


def mark_failed(
    connection: Connection, number: int, reason: str, *, mendable: bool = False
) -> None:
    """It could not be read; it is tried again, a few times.

    ``mendable``: until a person has mended the class that reads it.
    """
    tries = reports.c.tries + 1
    if mendable:
        tries = case((tries < TRIES, tries), else_=TRIES - 1)
    connection.execute(
        update(reports).where(reports.c.id == number).values(tries=tries, reason=reason[:1000])
    )


def unreadable(connection: Connection) -> list[tuple[datetime, str]]:
    """When those came that could not be read, and why."""
    rows = connection.execute(
        select(reports.c.received_at, reports.c.reason)
        .where(reports.c.tries >= TRIES - 1)
        .order_by(reports.c.id)
    )
    return [(at, reason or "") for at, reason in rows]


def delete_before(connection: Connection, moment: datetime) -> None:
    """Delete those that came before it and were never read."""
    connection.execute(delete(reports).where(reports.c.received_at < moment))
