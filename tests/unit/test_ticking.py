"""The timetable at work: due moments, once each, on a real database and the outbox."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from newsletter.app.clock import tick as clock_tick
from newsletter.app.clock.tick import tick
from newsletter.app.send.delivery import SendObserver
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY, Office, Offices
from tests.e2e.send_processes import until


def test_the_week_runs_by_itself_with_one_approval(office: Offices) -> None:
    week = office()
    assert week.tick() == []
    assert week.tick(FRIDAY) == [("gather", "2025-07-07", "done")]
    assert week.mails("tests") == 1
    assert week.tick(FRIDAY + timedelta(minutes=1)) == []
    week.approve()
    assert week.tick(MONDAY - timedelta(seconds=1)) == []
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    assert week.tick(MONDAY + timedelta(minutes=1)) == []
    assert week.mails() == 1


def test_without_an_approval_it_is_held_said_once_and_goes_out_when_approved(
    office: Offices,
) -> None:
    week = office()
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    assert "is not approved" in week.last[0].message
    assert week.tick(MONDAY + timedelta(minutes=5)) == []
    week.approve()
    assert week.tick(MONDAY + timedelta(minutes=6)) == [("send", "2025-07-07", "done")]


def test_after_the_grace_a_person_decides(office: Offices) -> None:
    week = office('grace = "1h"')
    week.tick(FRIDAY)
    week.tick(MONDAY)
    week.approve()
    assert week.tick(MONDAY + timedelta(hours=1, minutes=1)) == [("send", "2025-07-07", "missed")]
    assert "newsletter send 2025-07-07" in week.last[0].message
    assert week.tick(MONDAY + timedelta(hours=2)) == []
    assert week.mails() == 0


@pytest.mark.parametrize(
    ("policy", "state", "mails"),
    [("skip", "skipped", 0), ("send", "done", 1), ("hold", "waiting", 0)],
)
def test_if_unapproved(office: Offices, policy: str, state: str, mails: int) -> None:
    week = office(f'if_unapproved = "{policy}"')
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", state)]
    assert week.mails() == mails


def test_automatic_needs_no_person_but_no_errors_either(office: Offices) -> None:
    week = office('approval = "automatic"\nmin_stories = 9')
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    assert "min_stories asks for 9" in week.last[0].message


def test_a_machine_that_was_down_does_the_newest_within_the_grace_and_reports_the_others(
    office: Offices,
) -> None:
    week = office('approval = "automatic"')
    week.tick()
    assert week.tick(FRIDAY + timedelta(days=14, hours=5)) == [
        ("gather", "2025-07-07", "missed"),
        ("send", "2025-07-07", "missed"),
        ("gather", "2025-07-14", "missed"),
        ("send", "2025-07-14", "missed"),
        ("gather", "2025-07-21", "done"),
    ]


def test_two_processes_do_a_moment_once(office: Offices) -> None:
    week = office('approval = "automatic"')
    other = week.open()
    week.tick(FRIDAY)
    assert tick(other) == []
    week.now = MONDAY
    assert [d.state for d in tick(other)] == ["done"]
    assert week.tick() == []
    other.close()
    assert week.mails() == 1


def lease_until(week: Office) -> str:
    """Until when the send's moment is in hand."""
    with week.desk.database.read() as connection:
        rows = connection.execute(text("select lease_until from occurrences where kind = 'send'"))
        return str(rows.scalar_one())


def test_a_send_that_takes_its_time_keeps_its_moment(
    office: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_tick, "SEND_LEASE", timedelta(seconds=2))
    week = office('approval = "automatic"')
    other = week.open()
    week.tick(FRIDAY)
    found, stop = [], threading.Event()

    def slowly(point: str) -> None:
        if point == "claimed":
            lease = lease_until(week)
            week.now = MONDAY + timedelta(seconds=1)
            until(lambda: lease_until(week) != lease)  # a sign of life comes every second
            week.now = MONDAY + timedelta(seconds=2.5)
            threading.Timer(1, stop.set).start()  # it would wait for what is in hand here
            found.append(tick(other, SendObserver(stop=stop)))

    week.now = MONDAY
    assert [done.state for done in tick(week.desk, SendObserver(checkpoint=slowly))] == ["done"]
    assert found == [[]]
    other.close()
    assert week.mails() == 1


def test_a_gather_that_failed_is_tried_again(office: Offices) -> None:
    week = office()
    good = (week.room.folder / "feed.xml").read_text()
    week.room.write("feed.xml", "no feed")
    assert week.tick(FRIDAY) == [("gather", "2025-07-07", "waiting")]
    week.room.write("feed.xml", good)
    assert week.tick(FRIDAY + timedelta(minutes=1)) == []
    assert week.tick(FRIDAY + timedelta(minutes=6)) == [("gather", "2025-07-07", "done")]


def test_a_send_that_was_begun_is_never_skipped(office: Offices) -> None:
    made = office('if_unapproved = "skip"')
    made.tick(FRIDAY)
    made.approve()
    (made.room.folder / "outbox" / str(ISSUE)).write_text("in the way")
    assert made.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    (made.room.folder / "outbox" / str(ISSUE)).unlink()
    assert "it is paused" in str(made.tick(MONDAY + timedelta(minutes=6)) and made.last[0].message)
