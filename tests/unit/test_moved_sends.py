"""One issue at another time: holidays, and sends that a person has moved."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import islice

import pytest

from newsletter.app.issue import gather
from newsletter.app.send import plan
from newsletter.app.send import send as sending
from newsletter.app.timetable.deadlines import approval_deadline
from newsletter.app.timetable.moves import reschedule, upcoming
from newsletter.errors import NewsletterError
from newsletter.issues import folder_of, read_gathered
from newsletter.model import IssueName
from newsletter.store import occurrences
from tests.clocked_newsroom import FRIDAY, ISSUE, LA, MONDAY, Offices
from tests.newsroom import feed

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
TUESDAY = datetime(2025, 7, 8, 9, 0, tzinfo=LA)
DEADLINE = 'deadline = "sun 18:00"'


def test_a_moved_send_goes_then_and_keeps_its_name(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.tick(FRIDAY)
    assert reschedule(week.desk, ISSUE, "tue 09:00") == TUESDAY
    assert week.tick(MONDAY) == []
    assert week.desk.next_issue() == ISSUE
    assert week.tick(TUESDAY - timedelta(seconds=1)) == []
    assert week.tick(TUESDAY) == [("send", "2025-07-07", "done")]
    assert week.tick(TUESDAY + HOUR) == []
    assert week.mails() == 1


def test_a_moved_send_still_waits_for_its_approval(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    reschedule(week.desk, ISSUE, "tue 09:00")
    assert "Issue 2025-07-07 is not approved" in week.waiting()
    assert week.tick(TUESDAY) == [("send", "2025-07-07", "waiting")]
    assert week.waiting().count("is not approved") == 1
    week.approve()
    assert week.tick(TUESDAY + HOUR) == [("send", "2025-07-07", "done")]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("sat 08:00", "2025-07-05T08:00-07:00"),
        ("thu 08:00", "2025-07-10T08:00-07:00"),  # the one before is past
        ("mon 11:30", "2025-07-07T11:30-07:00"),
        ("2025-07-20 06:00", "2025-07-20T06:00-07:00"),
    ],
)
def test_a_day_of_the_week_is_the_nearest_to_come(office: Offices, said: str, meant: str) -> None:
    week = office()
    week.tick(FRIDAY)
    assert reschedule(week.desk, ISSUE, said) == datetime.fromisoformat(meant)


def test_back_to_the_timetable(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.tick(FRIDAY)
    reschedule(week.desk, ISSUE, "tue 09:00")
    assert reschedule(week.desk, ISSUE, None) == MONDAY
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    assert week.tick(TUESDAY) == []


def test_the_timetable_shows_it_marked_and_without_what_would_come_after(office: Offices) -> None:
    week = office(DEADLINE)
    week.tick(FRIDAY)
    reschedule(week.desk, ISSUE, "sun 12:00")
    found = [(m.kind, str(m.issue), m.moved) for m in islice(upcoming(week.desk), 3)]
    assert found[0] == ("send", "2025-07-07", True)
    assert found[1][:2] == ("gather", "2025-07-14")  # the deadline of 18:00 is the send itself


def test_a_deadline_that_skips_holds_for_a_moved_send_too(office: Offices) -> None:
    week = office(f'{DEADLINE}\nif_unapproved = "skip"')
    week.tick(FRIDAY)
    reschedule(week.desk, ISSUE, "tue 09:00")
    assert week.tick(MONDAY - 13 * HOUR) == [("deadline", "2025-07-07", "skipped")]
    week.approve()
    assert week.tick(TUESDAY) == []
    week.now = TUESDAY
    reschedule(week.desk, ISSUE, "tue 10:00")  # and a person may change that
    assert week.tick(TUESDAY + HOUR) == [("send", "2025-07-07", "done")]


def test_a_missed_issue_gets_a_new_time(office: Offices) -> None:
    week = office('grace = "1h"')
    week.tick(FRIDAY)
    assert ("send", "2025-07-07", "missed") in week.tick(MONDAY + 2 * HOUR)
    assert "The send of 2025-07-07 was missed" in week.waiting()
    week.approve()
    reschedule(week.desk, ISSUE, "2025-07-07 12:00")
    assert "was missed" not in week.waiting()
    assert week.tick(MONDAY + 5 * HOUR) == [("send", "2025-07-07", "done")]


def test_an_issue_that_is_held_at_its_moment_can_be_moved_at_once(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]  # looked at again later
    week.now = MONDAY + timedelta(seconds=5)
    assert reschedule(week.desk, ISSUE, "tue 09:00") == TUESDAY
    week.approve()
    assert week.tick(MONDAY + HOUR) == []
    assert week.tick(TUESDAY) == [("send", "2025-07-07", "done")]


def test_an_issue_that_was_moved_far_is_still_reminded_of_before_its_own_deadline(
    office: Offices,
) -> None:
    week = office(DEADLINE)
    week.tick(FRIDAY)
    reschedule(week.desk, ISSUE, "2025-08-29 09:00")
    assert approval_deadline(week.desk, ISSUE) == MONDAY - 13 * HOUR


def test_a_draft_outside_the_timetable_gets_a_time(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    week.approve()
    week.tick(MONDAY)
    extra = IssueName(date(2025, 7, 9))
    week.room.write("feed.xml", feed(["Extra"], MONDAY + HOUR))
    week.now = MONDAY + DAY
    gathering = gather.gather(week.desk, extra)
    gather.draft(week.desk, extra, gathering)
    week.approve(extra)
    reschedule(week.desk, extra, "wed 16:00")
    assert week.tick(MONDAY + 2 * DAY + 9 * HOUR) == [("send", "2025-07-09", "done")]
    assert week.mails("2025-07-09") == 1


@pytest.mark.parametrize(
    ("issue", "said", "why"),
    [
        ("2025-07-07", "fri 14:00", None),
        ("2025-07-07", "2025-07-04 14:00", "that is past"),
        ("2025-07-07", "2027-07-04 14:00", "more than a year away"),
        ("2025-07-07", "some day", "'some day' is not a time to send at"),
        ("2025-07-07", "2025-02-30 09:00", "is not a time to send at"),
        ("2025-07-09", "thu 09:00", "newsletter gather 2025-07-09"),
        ("2025-07-09", None, "newsletter gather 2025-07-09"),
        ("2025-07-14", "wed 09:00", None),
        ("2025-07-14", "2025-07-09 09:00", "nothing is gathered for it before that"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason_and_changes_nothing(
    office: Offices, issue: str, said: str | None, why: str | None
) -> None:
    week = office()
    week.tick(FRIDAY)
    name = IssueName.parse(issue)
    if why is None:
        reschedule(week.desk, name, said)
        return
    with pytest.raises(NewsletterError, match=why):
        reschedule(week.desk, name, said)
    assert week.desk.moved() == {}


def test_a_send_that_was_done_is_not_moved(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    week.approve()
    sending.send(week.desk, plan.plan(week.desk, ISSUE))
    with pytest.raises(NewsletterError, match="its send is done"):
        reschedule(week.desk, ISSUE, "tue 09:00")


def test_a_send_that_is_just_in_hand_is_not_moved(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    due = occurrences.DueMoment(week.desk.name, "send", str(ISSUE), ISSUE, MONDAY)
    with week.desk.database.begin() as connection:
        assert occurrences.claim(connection, due, MONDAY)
    week.now = MONDAY + timedelta(minutes=1)
    with pytest.raises(NewsletterError, match="it is being sent now"):
        reschedule(week.desk, ISSUE, "tue 09:00")


HOLIDAY = '\n[[schedule.skip]]\ndate = 2025-07-14\nreason = "a holiday"'


def test_on_a_holiday_nothing_goes_and_the_stories_come_with_the_next_issue(
    office: Offices,
) -> None:
    week = office(f'{DEADLINE}\napproval = "automatic"{HOLIDAY}')
    week.tick(FRIDAY)
    week.tick(MONDAY)
    week.room.write("feed.xml", feed(["Four"], MONDAY + DAY))
    assert week.tick(FRIDAY + WEEK) == week.tick(MONDAY + WEEK) == []
    assert week.tick(FRIDAY + 2 * WEEK) == [("gather", "2025-07-21", "done")]
    assert "1 articles, 1 stories" in week.last[0].message
    assert ("send", "2025-07-21", "done") in week.tick(MONDAY + 2 * WEEK)
    assert week.mails("2025-07-14") == 0


def test_a_holiday_that_was_forgotten_until_the_draft_was_there(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.tick(FRIDAY)
    week.tick(MONDAY)
    week.room.write("feed.xml", feed(["Four"], MONDAY + DAY))
    week.tick(FRIDAY + WEEK)
    week.reopen(f'approval = "automatic"{HOLIDAY}')
    assert week.tick(MONDAY + WEEK) == []
    week.room.write(
        "feed.xml", feed(["Five"], MONDAY + WEEK + DAY)
    )  # which lists the other no more
    week.tick(FRIDAY + 2 * WEEK)
    gathered = read_gathered(folder_of(week.room.folder, IssueName(ISSUE.date + 2 * WEEK)))
    assert gathered
    assert [article.title for article in gathered.articles] == ["Five", "Four"]
