"""How many readers a list has had: a number a day, and what each issue went to."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, select

from newsletter.store import readers
from newsletter.store.schema import list_days, sends
from newsletter.store.subscribers import list_id
from newsletter.store.upserts import upsert


def note(connection: Connection, list_name: str, now: datetime) -> None:
    """Write today's number down; the first of a day stays."""
    statement = upsert(connection, list_days).values(
        list_id=list_id(connection, list_name),
        day=now.date().isoformat(),
        readers=readers.count(connection, list_name),
    )
    connection.execute(statement.on_conflict_do_nothing())


def of(connection: Connection, number: int) -> dict[date, int]:
    """Day → readers, in order. Where no number was noted, what an issue of that day went to."""
    rows = connection.execute(
        select(sends.c.created_at, sends.c.eligible).where(
            sends.c.list_id == number, sends.c.eligible > 0, sends.c.corrects.is_(None)
        )
    )
    found = {at.date(): int(count) for at, count in rows}
    noted = select(list_days.c.day, list_days.c.readers).where(list_days.c.list_id == number)
    found |= {date.fromisoformat(day): int(count) for day, count in connection.execute(noted)}
    return dict(sorted(found.items()))
