"""Never twice: clocks that jump, databases from before, timetables and zones that change."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

from tests.clocked_newsroom import FRIDAY, LA, MONDAY, Office, Offices
from tests.newsroom import CONFIG, feed

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
AUTOMATIC = 'approval = "automatic"'


def sent(office: Offices, more: str = "") -> Office:
    """A week in which the issue went out on Monday at seven."""
    week = office(f"{AUTOMATIC}\n{more}")
    week.tick()
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    return week


def test_a_clock_that_jumps_back(office: Offices) -> None:
    week = sent(office)
    for back in (HOUR, 3 * DAY, 30 * DAY):
        for step in range(6):
            week.tick(MONDAY - back + step * back / 5)
    assert week.mails() == 1
    assert week.mails("tests") == 1


def test_a_clock_that_jumps_ahead_and_comes_back(office: Offices) -> None:
    week = office(AUTOMATIC)
    week.tick()
    week.tick(FRIDAY)
    assert ("send", "2025-07-07", "missed") in week.tick(MONDAY + 10 * DAY)
    assert week.tick(FRIDAY + HOUR) == []
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    assert week.mails() == 1
    week.room.write("feed.xml", feed(["Later"], FRIDAY + WEEK - HOUR))
    assert week.tick(FRIDAY + WEEK) == [("gather", "2025-07-14", "done")]
    assert week.tick(MONDAY + WEEK) == [("send", "2025-07-14", "done")]


def test_a_lease_that_was_given_by_a_clock_ahead_ends(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    week.tick(MONDAY + 5 * HOUR)  # it still waits, and is looked at again half a minute later
    week.approve()
    assert week.tick(MONDAY + HOUR) == [("send", "2025-07-07", "done")]


def test_a_database_from_before_the_send(office: Offices) -> None:
    week = office(AUTOMATIC)
    week.tick(FRIDAY)
    week.desk.close()
    shutil.copytree(week.room.folder, week.room.folder.parent / "backup", ignore=_but_database)
    week.desk = week.open()
    week.tick(MONDAY)
    week.desk.close()
    for old in week.room.folder.glob("newsletter.db*"):
        old.unlink()
    shutil.copytree(week.room.folder.parent / "backup", week.room.folder, dirs_exist_ok=True)
    week.desk = week.open()
    assert week.tick(MONDAY + HOUR) == [("send", "2025-07-07", "waiting")]
    assert "readers might get it twice" in week.last[0].message
    assert "readers might get it twice" in week.waiting()
    assert week.tick(MONDAY + 7 * HOUR) == [("send", "2025-07-07", "missed")]
    assert week.mails() == 1


def _but_database(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("newsletter.db")}


def test_another_time_on_the_same_day(office: Offices) -> None:
    week = sent(office)
    for time in ("mon 09:00", "mon 06:00", "mon 07:00"):
        week.reopen(f'{AUTOMATIC}\nsend = "{time}"')
        assert week.tick(MONDAY + 2 * HOUR) == []
    assert week.mails() == 1


def test_a_timetable_that_changes_its_days_misses_nothing_that_it_never_had(
    office: Offices,
) -> None:
    week = sent(office)
    week.reopen(f'{AUTOMATIC}\nsend = "mon-fri 06:30"\ngather = "mon-fri 05:00"')
    assert week.tick(MONDAY + 3 * HOUR) == []
    week.room.write("feed.xml", feed(["Later"], MONDAY + 4 * HOUR))
    tuesday = datetime(2025, 7, 8, 5, tzinfo=LA)
    assert week.tick(tuesday) == [("gather", "2025-07-08", "done")]
    assert week.tick(tuesday + 2 * HOUR) == [("send", "2025-07-08", "done")]
    week.reopen(f'{AUTOMATIC}\nsend = "sun 20:00"\ngather = "sat 09:00"')
    assert week.tick(tuesday + 3 * HOUR) == []


def test_a_holiday_that_is_over_may_be_struck_out_of_the_file(office: Offices) -> None:
    week = office(f"{AUTOMATIC}\n[[schedule.skip]]\ndate = 2025-07-07")
    week.tick()
    week.tick(FRIDAY)
    week.tick(MONDAY + HOUR)
    week.reopen(AUTOMATIC)
    assert week.tick(MONDAY + 2 * DAY) == []
    assert "missed" not in week.waiting()


def test_what_waits_and_is_in_the_timetable_no_more_is_reported(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    week.tick(MONDAY)
    week.reopen('send = "wed 07:00"')
    assert week.tick(MONDAY + HOUR) == []
    assert week.tick(MONDAY + 7 * HOUR) == [("send", "2025-07-07", "missed")]
    assert "it is no longer in the timetable" in week.last[0].message
    assert week.tick(MONDAY + 8 * HOUR) == []


def test_gathers_that_are_added_before_one_that_is_done(office: Offices) -> None:
    week = office(f'{AUTOMATIC}\ngather = ["fri 15:00"]')
    week.tick(FRIDAY)
    week.reopen(f'{AUTOMATIC}\ngather = ["fri 09:00", "fri 12:00", "fri 15:00", "fri 18:00"]')
    assert week.tick(FRIDAY + HOUR) == []
    assert week.tick(FRIDAY + 3 * HOUR) == [("gather", "2025-07-07", "done")]


def test_another_zone(office: Offices) -> None:
    week = sent(office, 'send = "mon 07:00"')
    for zone in ("Asia/Seoul", "Pacific/Honolulu", "Pacific/Kiritimati", "America/Los_Angeles"):
        week.desk.close()
        text = CONFIG.replace("America/Los_Angeles", zone)
        week.room.write("newsletter.toml", f"{text}\n[schedule]\n{AUTOMATIC}\n")
        week.desk = week.open()
        for hours in range(0, 30, 3):
            week.tick(MONDAY + hours * HOUR)
    assert week.mails() == 1
    outbox = week.room.folder / "outbox"
    assert sorted(path.name for path in outbox.iterdir()) == ["2025-07-07", "alerts", "tests"]


def test_of_two_gathers_for_one_issue_the_older_gives_way(office: Offices) -> None:
    week = office('gather = ["fri 09:00", "fri 14:00"]')
    week.tick(FRIDAY - 8 * HOUR)
    found = week.tick(FRIDAY)
    assert found == [("gather", "2025-07-07", "missed"), ("gather", "2025-07-07", "done")]
    assert "was replaced by the next gather for the issue" in week.last[0].message
