"""What a look does about what providers reported: read what is left, delete what is old."""

from __future__ import annotations

import logging

from newsletter.app import reporting
from newsletter.app.desk import Desk
from newsletter.store import events, facts, figures, growth, incoming

TIDIED = "tidied:{newsletter}"  # the day, in UTC

log = logging.getLogger(__name__)


def keep_house(desk: Desk) -> None:
    """Read reports that a crash has left; turn events that are old into figures; and once a day
    write down how long the list is.
    """
    now, list_name = desk.clock(), desk.config.newsletter.list
    before = now - desk.config.privacy.keep_events
    with desk.database.read() as connection:
        unread = incoming.waiting(connection)
        old = figures.to_close(connection, desk.name, before)
        tidied = facts.find(connection, TIDIED.format(newsletter=desk.name))
    if unread:
        reporting.read_waiting(desk)
    for send_id in old:
        with desk.database.begin() as connection:
            figures.close(connection, send_id, now)
        log.info("An issue's events are deleted, as it is %d days old", (now - before).days)
    if tidied == now.date().isoformat():
        return
    with desk.database.begin() as connection:
        facts.put(connection, TIDIED.format(newsletter=desk.name), now.date().isoformat())
        growth.note(connection, list_name, now)
        events.drop_before(connection, before)
        incoming.drop_before(connection, before)
        if not desk.config.privacy.per_reader:
            events.unname(connection, desk.name)
