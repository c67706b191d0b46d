"""Whether a tick has anything to do: asked every minute, so it has to cost next to nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from newsletter import config, schedule
from newsletter.app import identity
from newsletter.app.alerts import reminders
from newsletter.app.clock import due, housekeeping
from newsletter.app.desk import Clock, Desk, open_desk, utc_now
from newsletter.schedule import MovedSends
from newsletter.store import alerts, signups

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Outlook:
    """When the newsletter in a folder next needs a tick; found anew only where something changed.

    That is newsletter.toml or the database, whose ``mark`` is then another one.
    """

    def __init__(self, folder: Path, clock: Clock = utc_now) -> None:
        self.moved: MovedSends = {}  # the sends that a person has moved
        self._folder, self._clock = folder, clock
        self._desk: Desk | None = None
        self._file: object = None  # newsletter.toml, as it was when it was read
        self._database: object = None  # as it was when the next tick was found
        self._asked_at = self._next = _LONG_AGO

    def desk(self) -> Desk:
        """The newsletter as newsletter.toml is now. Raises ConfigError."""
        file = config.file_version(self._folder)
        if self._desk is None or file != self._file:
            self.forget()
            self._desk, self._file = open_desk(self._folder, self._clock), file
        return self._desk

    def forget(self) -> None:
        """Let go of everything; the next question starts from the beginning."""
        if self._desk:
            self._desk.close()
        self._desk = self._database = None

    def is_due(self) -> bool:
        """Whether a tick has something to do now. Raises NewsletterError."""
        desk = self.desk()
        now, database = desk.clock(), desk.database.change_marker()
        set_back, self._asked_at = now < self._asked_at, now
        if database is None or database != self._database or set_back:
            identity.require_own_name(desk)
            self.moved = desk.moved()
            self._next, self._database = _next_tick(desk, now, self.moved), database
            desk.database.release_files()
        return self._next <= now


def _next_tick(desk: Desk, now: datetime, moved: MovedSends) -> datetime:
    """When a tick has something to do, as long as nothing changes; ``now`` for at once.

    That is the timetable's next moment, what waits to be tried again, alerts, sign-ups, the
    reminder before a deadline, unread provider events, the daily housekeeping.
    """
    coming = schedule.moments(desk.config.schedule, desk.config.zone, now, moved)
    with desk.reading() as connection:
        times = (
            next(coming).utc,
            due.next_due(connection, desk, now),
            alerts.next_due(connection, desk.name, now),
            signups.next_due(connection, desk.name, now),
            housekeeping.next_due(connection, desk, now),
        )
    return min(moment for moment in (*times, reminders.next_due(desk, now)) if moment)
