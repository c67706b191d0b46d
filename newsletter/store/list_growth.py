"""How many readers a list has had: a number a day, and what each issue went to."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, func, select

from newsletter.store import mailable
from newsletter.store.bulk import upsert
from newsletter.store.lists import ensure_list
from newsletter.store.schema import deliveries, list_days, sends


def record_today(connection: Connection, list_name: str, now: datetime) -> None:
    """Write today's number down; the first of a day stays."""
    statement = upsert(connection, list_days).values(
        list_id=ensure_list(connection, list_name),
        day=now.date().isoformat(),
        readers=mailable.count(connection, list_name),
    )
    connection.execute(statement.on_conflict_do_nothing())


def by_day(connection: Connection, number: int) -> dict[date, int]:
    """Day → readers, in order. Where no number was noted, what an issue of that day went to."""
    noted = select(list_days.c.day, list_days.c.readers).where(list_days.c.list_id == number)
    found = {date.fromisoformat(day): int(count) for day, count in connection.execute(noted)}
    issues = (
        select(sends.c.created_at, sends.c.id)
        .where(sends.c.list_id == number, sends.c.corrects.is_(None))
        .order_by(sends.c.id)
    )
    before = {at.date(): send for at, send in connection.execute(issues) if at.date() not in found}
    for day, send in before.items():
        # Who was suppressed is in the send as well, and in no batch.
        went_to = select(func.count()).where(
            deliveries.c.send_id == send, deliveries.c.batch.is_not(None)
        )
        if count := connection.scalar(went_to):
            found[day] = count
    return dict(sorted(found.items()))
