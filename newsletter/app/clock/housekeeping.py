"""Read provider events that were left unread, and delete what is old."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta

from newsletter.app.desk import Desk
from newsletter.app.feedback import provider_events
from newsletter.store import (
    Connection,
    event_inbox,
    events,
    figures,
    key_values,
    list_growth,
    search_counts,
)

LAST_DAY = "tidied:{newsletter}"  # a key: the day of the last daily housekeeping, in UTC

log = logging.getLogger(__name__)


def run(desk: Desk) -> None:
    """Read provider events that a crash left unread.

    Once a day also turn old events into figures, and record the length of the list.
    """
    now = desk.clock()
    with desk.reading() as connection:
        has_unread_events = event_inbox.unread(connection)
        is_tidied = _is_tidied(connection, desk, now)
    if has_unread_events:
        provider_events.read_waiting(desk)
    if not is_tidied:
        # What expires in the course of the day is deleted now, so nothing is kept too long.
        end_of_day = datetime.combine(now.date(), time.max, UTC)
        _tidy(desk, end_of_day - desk.config.privacy.keep_events, now)
        with desk.writing() as connection:
            key_values.put(connection, _key(desk), now.date().isoformat())


def next_due(connection: Connection, desk: Desk, now: datetime) -> datetime:
    """When there is something to do; ``now`` for at once."""
    if event_inbox.unread(connection) or not _is_tidied(connection, desk, now):
        return now
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def _is_tidied(connection: Connection, desk: Desk, now: datetime) -> bool:
    return key_values.get(connection, _key(desk)) == now.date().isoformat()


def _key(desk: Desk) -> str:
    return LAST_DAY.format(newsletter=desk.name)


def _tidy(desk: Desk, before: datetime, now: datetime) -> None:
    for send_id in desk.read(figures.open_sends, desk.name, before):
        with desk.writing() as connection:
            figures.close(connection, send_id, now)
        log.info("The events of an issue were deleted, as [privacy] keep_events says")
    with desk.writing() as connection:
        list_growth.record_today(connection, desk.config.newsletter.list, now)
        events.delete_before(connection, before)
        event_inbox.delete_before(connection, before)
        search_counts.delete_before(connection, now - timedelta(days=1))
        if not desk.config.privacy.per_reader:
            events.anonymize(connection, desk.name)
