"""The cheap question whether a tick is needed: where it says no, a tick changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.app.clock.next_tick import Outlook
from newsletter.app.readers import lists
from newsletter.app.timetable import moves
from newsletter.store import Database, event_inbox
from newsletter.store.column_types import metadata
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY, Office, Offices
from tests.signups import ask

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TIMES = 'gather = "fri 15:00"\nremind = "sun 12:00"\ndeadline = "sun 18:00"\nsend = "mon 07:00"\n'
SUNDAY = MONDAY - timedelta(hours=13)  # the deadline
DATABASE = '\n[database]\nurl = "{}"\n'


def office_of(office: Offices, database_url: str, more: str = "") -> Office:
    return office(TIMES + more + DATABASE.format(database_url))


def contents(database: Database) -> list[object]:
    """All rows."""
    with database.read() as connection:
        return [connection.execute(select(table)).all() for table in metadata.sorted_tables]


class Service:
    """Asks at each minute, and ticks where there is something to do, as the service does."""

    def __init__(self, week: Office) -> None:
        self.week = week
        week.now = week.now.astimezone(UTC)
        self.outlook = Outlook(week.room.folder, lambda: week.now)
        self.week.tick()
        self.ticks = 0

    def check(self, at: datetime) -> list[tuple[str, str, str]]:
        self.week.now = at.astimezone(UTC)
        if self.outlook.is_due():
            self.ticks += 1
            return self.week.tick()
        rows = contents(self.week.desk.database)
        assert self.week.tick() == []
        assert contents(self.week.desk.database) == rows, at
        return []

    def minutes(
        self, start: datetime, end: datetime, step: timedelta = MINUTE
    ) -> list[tuple[str, str, str]]:
        settled = []
        while start < end:
            settled += self.check(start)
            start += step
        return settled

    def close(self) -> None:
        self.outlook.forget()


@pytest.fixture
def services() -> object:
    made: list[Service] = []

    def make(week: Office) -> Service:
        made.append(Service(week))
        return made[-1]

    yield make
    for service in made:
        service.close()


Services = Callable[[Office], Service]


def test_the_week_in_which_nobody_approves_before_the_deadline(
    office: Offices, services: Services, database_url: str
) -> None:
    week = office_of(office, database_url, 'grace = "1h"\n')
    service = services(week)
    assert service.minutes(FRIDAY - HOUR / 4, FRIDAY + HOUR / 4) == [
        ("gather", "2025-07-07", "done")
    ]
    assert service.ticks < 5
    settled = service.minutes(SUNDAY - 7 * HOUR, SUNDAY + HOUR, 5 * MINUTE)
    assert settled == [("remind", "2025-07-07", "done"), ("deadline", "2025-07-07", "held")]
    assert service.ticks < 10  # not at each minute of the hour before the deadline
    settled = service.minutes(MONDAY - HOUR, MONDAY + 2 * HOUR, 5 * MINUTE)
    assert settled == [("send", "2025-07-07", "waiting"), ("send", "2025-07-07", "missed")]


def test_an_issue_that_is_changed_within_the_last_hour(office: Offices, services: Services) -> None:
    """Its approval is void, and no row of the database says so."""
    week = office_of(office, "sqlite:///newsletter.db")
    service = services(week)
    service.check(FRIDAY)
    week.approve()
    service.minutes(SUNDAY - HOUR, SUNDAY - HOUR / 2, 5 * MINUTE)
    assert week.mails("alerts") == 1  # the draft
    note = week.room.folder / "issues" / f"{ISSUE}" / "note.md"
    note.write_text("Changed after it was approved.")
    service.check(SUNDAY - HOUR / 2)
    assert week.mails("alerts") == 2


def test_what_others_write_is_seen(office: Offices, services: Services, database_url: str) -> None:
    week = office_of(office, database_url)
    service = services(week)
    service.minutes(FRIDAY - HOUR / 2 - 5 * MINUTE, FRIDAY - HOUR / 2)
    service.ticks = 0
    service.check(FRIDAY - HOUR / 2)
    assert service.ticks == 0
    other = week.open()
    lists.add(other, "another@example.com", "")
    service.check(FRIDAY - HOUR / 2 + MINUTE)
    assert service.ticks == 0  # it is nothing to do
    with other.database.begin() as connection:
        event_inbox.add(connection, "sendgrid", "nonsense", week.now)
    other.close()
    for minute in range(2, 10):  # until it is given up
        service.check(FRIDAY - HOUR / 2 + minute * MINUTE)
    assert service.ticks == event_inbox.TRIES


def test_sign_ups_are_answered_and_forgotten(
    office: Offices, services: Services, database_url: str
) -> None:
    week = office_of(office, database_url)
    service = services(week)
    noon = FRIDAY + 2 * HOUR
    service.minutes(noon, noon + 5 * MINUTE)
    service.check(noon + 5 * MINUTE)
    assert ask(week, "new@example.com")
    service.minutes(noon + 6 * MINUTE, noon + 8 * MINUTE)
    assert week.mails("alerts") >= 1
    before = service.ticks
    signed_up = noon + 5 * MINUTE + timedelta(days=3)
    service.minutes(signed_up - 5 * MINUTE, signed_up + 5 * MINUTE)
    assert service.ticks <= before + 3


def test_an_alert_that_nobody_takes_is_tried_again_in_time(
    office: Offices, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERTS_WEBHOOK_URL", "http://127.0.0.1:9/")
    week = office_of(office, "sqlite:///newsletter.db")
    service = services(week)
    service.check(FRIDAY)
    service.ticks = 0
    service.minutes(FRIDAY + MINUTE, FRIDAY + 32 * MINUTE)
    assert 4 <= service.ticks <= 6  # after one minute, two, four, eight, sixteen


def test_a_changed_timetable_and_a_moved_send(
    office: Offices, services: Services, database_url: str
) -> None:
    week = office_of(office, database_url, 'approval = "automatic"\n')
    service = services(week)
    service.minutes(FRIDAY, FRIDAY + 5 * MINUTE)
    more = 'approval = "automatic"\n' + DATABASE.format(database_url)
    week.reopen(TIMES.replace('"fri 15:00"', '["fri 15:00", "fri 15:10"]') + more)
    settled = service.minutes(FRIDAY + 5 * MINUTE, FRIDAY + 12 * MINUTE)
    assert settled == [("gather", "2025-07-07", "done")]
    moves.reschedule(week.desk, ISSUE, "2025-07-04 15:20")
    settled = service.minutes(FRIDAY + 12 * MINUTE, FRIDAY + 22 * MINUTE)
    assert settled == [("send", "2025-07-07", "done")]


@pytest.mark.parametrize("jump", [timedelta(days=-2), -HOUR, HOUR, timedelta(days=400)], ids=str)
def test_a_clock_that_is_set(office: Offices, services: Services, jump: timedelta) -> None:
    week = office_of(office, "sqlite:///newsletter.db", 'approval = "automatic"\n')
    service = services(week)
    service.minutes(FRIDAY - 5 * MINUTE, FRIDAY + 5 * MINUTE)
    service.minutes(FRIDAY + jump, FRIDAY + jump + 10 * MINUTE)
    service.minutes(FRIDAY + 6 * MINUTE, FRIDAY + 10 * MINUTE)
    assert ("send", "2025-07-07", "done") in service.check(MONDAY)


def test_a_mark_changes_with_each_write_and_with_nothing_else(database: Database) -> None:
    first = database.change_marker()
    with database.read() as connection:
        event_inbox.unread(connection)
    database.release_files()
    assert database.change_marker() == first
    with database.begin() as connection:
        event_inbox.add(connection, "outbox", "one", FRIDAY)
    second = database.change_marker()
    assert second != first
    database.release_files()
    with database.read() as connection:
        assert event_inbox.unread(connection)
    database.release_files()
    third = database.change_marker()
    with database.begin() as connection:
        event_inbox.remove(connection, 1)
    assert database.change_marker() != third
