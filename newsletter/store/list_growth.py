"""How many readers a list had each day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, func, select

from newsletter.store import mailable
from newsletter.store.bulk import upsert
from newsletter.store.lists import ensure_list
from newsletter.store.schema import deliveries, list_days, sends


def record_today(connection: Connection, list_name: str, now: datetime) -> None:
    """Record how many readers the list has today. The first record of a day (UTC) stays."""
    statement = upsert(connection, list_days).values(
        list_id=ensure_list(connection, list_name),
        day=now.date().isoformat(),
        readers=mailable.count(connection, list_name),
    )
    connection.execute(statement.on_conflict_do_nothing())


def by_day(connection: Connection, number: int) -> dict[date, int]:
    """Day → readers, in order. A day without a record has the readers of its issue, if any."""
    recorded = select(list_days.c.day, list_days.c.readers).where(list_days.c.list_id == number)
    by_date = {date.fromisoformat(day): int(count) for day, count in connection.execute(recorded)}
    issues = (
        select(sends.c.created_at, sends.c.id)
        .where(sends.c.list_id == number, sends.c.corrects.is_(None))
        .order_by(sends.c.id)
    )
    sends_by_day = {at.date(): send for at, send in connection.execute(issues)}
    for day, send in sends_by_day.items():
        if day in by_date:
            continue
        # Suppressed readers are in the send too, but in no batch.
        readers = select(func.count()).where(
            deliveries.c.send_id == send, deliveries.c.batch.is_not(None)
        )
        if count := connection.scalar(readers):
            by_date[day] = count
    return dict(sorted(by_date.items()))
