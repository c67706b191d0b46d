"""What a look does about what providers reported: read what is left, delete what is old."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta

from newsletter.app.desk import Desk
from newsletter.app.feedback import provider_events
from newsletter.store import event_inbox, events, figures, key_values, list_growth, search_counts

TIDIED = "tidied:{newsletter}"  # the day, in UTC

log = logging.getLogger(__name__)


def keep_house(desk: Desk) -> None:
    """Read reports that a crash has left; and once a day turn events that are old into figures, and
    write down how long the list is.
    """
    now, today = desk.clock(), TIDIED.format(newsletter=desk.name)
    with desk.reading() as connection:
        unread = event_inbox.waiting(connection)
        tidied = key_values.find(connection, today) == now.date().isoformat()
    if unread:
        provider_events.read_waiting(desk)
    if not tidied:
        # What is over in the course of the day is over now: nothing is kept too long.
        tonight = datetime.combine(now.date(), time.max, UTC)
        _tidy(desk, tonight - desk.config.privacy.keep_events, now)
        with desk.writing() as connection:
            key_values.put(connection, today, now.date().isoformat())


def _tidy(desk: Desk, before: datetime, now: datetime) -> None:
    old = desk.read(figures.to_close, desk.name, before)
    for send_id in old:
        with desk.writing() as connection:
            figures.close(connection, send_id, now)
        log.info("The events of an issue are deleted, as [privacy] keep_events says")
    with desk.writing() as connection:
        list_growth.note(connection, desk.config.newsletter.list, now)
        events.drop_before(connection, before)
        event_inbox.drop_before(connection, before)
        search_counts.drop_before(connection, now - timedelta(days=1))
        if not desk.config.privacy.per_reader:
            events.unname(connection, desk.name)
