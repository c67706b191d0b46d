"""The deadline: what becomes of an issue that may not go, and what the editor can still do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.app.approval import approval_links
from newsletter.app.send import pause_cancel, plan
from newsletter.app.send import send as sending
from newsletter.app.timetable import deadlines
from newsletter.model import IssueName
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY, Office, Offices
from tests.newsroom import feed

SUNDAY = MONDAY - timedelta(hours=13)
DEADLINE = 'remind = "sun 12:00"\ndeadline = "sun 18:00"'
HOUR = timedelta(hours=1)


def until_sunday(office: Offices, more: str = "") -> Office:
    week = office(f"{DEADLINE}\n{more}")
    week.tick(FRIDAY)
    return week


def test_the_editor_is_reminded_only_where_something_is_to_be_done(office: Offices) -> None:
    week = until_sunday(office)
    assert week.tick(SUNDAY - 6 * HOUR) == [("remind", "2025-07-07", "done")]
    assert "reminded: Issue 2025-07-07 is not approved" in week.last[0].message
    week.approve()
    assert week.tick(SUNDAY) == [("deadline", "2025-07-07", "done")]
    assert week.last[0].message == "it goes out on time"
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]


def test_held_at_the_deadline_an_approval_still_sends_it_at_its_moment(office: Offices) -> None:
    week = until_sunday(office)
    assert ("deadline", "2025-07-07", "held") in week.tick(SUNDAY)
    assert "newsletter approve 2025-07-07" in week.last[-1].message
    assert week.tick(SUNDAY + HOUR) == []
    week.approve()
    assert week.tick(SUNDAY + 2 * HOUR) == []
    assert week.mails() == 0
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    assert week.mails() == 1


def test_skipped_at_the_deadline_only_a_person_sends_it(office: Offices) -> None:
    week = until_sunday(office, 'if_unapproved = "skip"')
    assert ("deadline", "2025-07-07", "skipped") in week.tick(SUNDAY)
    week.approve()
    assert week.tick(MONDAY) == []
    assert week.mails() == 0
    sending.send(week.desk, plan.plan(week.desk, ISSUE))
    assert week.mails() == 1


def test_sent_all_the_same_at_its_moment(office: Offices) -> None:
    week = until_sunday(office, 'if_unapproved = "send"')
    assert ("deadline", "2025-07-07", "done") in week.tick(SUNDAY)
    assert "it goes out on time all the same" in week.last[-1].message
    assert week.mails() == 0
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]


def test_an_approval_of_other_bytes_is_none(office: Offices) -> None:
    week = until_sunday(office, 'if_unapproved = "skip"')
    week.approve()
    week.room.write(f"issues/{ISSUE}/note.md", "One more thought.")
    assert ("deadline", "2025-07-07", "skipped") in week.tick(SUNDAY)
    assert "has changed since editor@example.com approved it" in week.last[-1].message


def test_an_error_that_came_after_the_approval_holds_the_issue_at_its_deadline(
    office: Offices,
) -> None:
    week = until_sunday(office)
    week.approve()
    week.reopen(f"{DEADLINE}\nmin_stories = 9")  # the same bytes, but now there is an error
    assert ("deadline", "2025-07-07", "held") in week.tick(SUNDAY)
    assert "min_stories asks for 9" in week.last[-1].message


def test_no_policy_promises_an_issue_that_has_errors(office: Offices) -> None:
    week = office(f'{DEADLINE}\nif_unapproved = "send"\nmin_stories = 9')
    week.tick(FRIDAY)
    assert ("deadline", "2025-07-07", "held") in week.tick(SUNDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    assert week.mails() == 0


def test_a_deadline_that_a_stopped_machine_slept_through_is_kept_at_the_send(
    office: Offices,
) -> None:
    week = until_sunday(office, 'if_unapproved = "skip"')
    found = week.tick(MONDAY + HOUR)
    assert ("deadline", "2025-07-07", "missed") in found
    assert ("send", "2025-07-07", "skipped") in found
    assert week.mails() == 0


def test_automatic_goes_by_itself_but_not_with_a_source_down(office: Offices) -> None:
    week = office(f'{DEADLINE}\napproval = "automatic"')
    good = (week.room.folder / "feed.xml").read_text()
    week.room.configure(
        f'\n[schedule]\n{DEADLINE}\napproval = "automatic"\n'
        '\n[[sources]]\ntype = "feed"\npath = "other.xml"\n'
    )
    week.desk = week.open()
    week.room.write("other.xml", "no feed")
    week.tick(FRIDAY)
    assert ("deadline", "2025-07-07", "held") in week.tick(SUNDAY)
    assert "stories may be missing:\n  other.xml is failing" in week.last[-1].message
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    assert "other.xml is failing" in week.waiting()
    week.room.write("other.xml", good)
    from newsletter.app.issue import gather

    gathering = gather.gather(week.desk, ISSUE)
    gather.draft(week.desk, ISSUE, gathering)
    assert week.tick(MONDAY + timedelta(minutes=1)) == [("send", "2025-07-07", "done")]


def test_a_person_may_let_it_go_with_a_source_down(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.room.configure(
        '\n[schedule]\napproval = "automatic"\n\n[[sources]]\ntype = "feed"\npath = "other.xml"\n'
    )
    week.desk = week.open()
    week.room.write("other.xml", "no feed")
    week.tick(FRIDAY)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "waiting")]
    week.approve()
    assert week.tick(MONDAY + timedelta(minutes=1)) == [("send", "2025-07-07", "done")]


def test_an_automatic_issue_without_enough_stories_is_left_out_by_skip(office: Offices) -> None:
    week = office(f'{DEADLINE}\napproval = "automatic"\nif_unapproved = "skip"\nmin_stories = 9')
    week.tick(FRIDAY)
    assert ("deadline", "2025-07-07", "skipped") in week.tick(SUNDAY)
    assert "min_stories asks for 9" in week.last[-1].message


def test_a_cancelled_send_is_over(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.tick(FRIDAY)
    week.now = MONDAY - HOUR
    planned = plan.plan(week.desk, ISSUE)
    sending._freeze(week.desk, planned, 10, sending.doubt_policy(week.desk))
    pause_cancel.cancel(week.desk, ISSUE)
    assert week.tick(MONDAY) == [("send", "2025-07-07", "skipped")]
    assert week.last[0].message == "it was cancelled: see newsletter receipt 2025-07-07"
    assert week.tick(MONDAY + HOUR) == []


@pytest.mark.parametrize("late", [timedelta(minutes=1), timedelta(hours=7)])
def test_what_a_person_has_sent_is_neither_sent_again_nor_missed(
    office: Offices, late: timedelta
) -> None:
    week = until_sunday(office)
    week.approve()
    week.now = FRIDAY + HOUR
    sending.send(week.desk, plan.plan(week.desk, ISSUE))
    states = {kind: state for kind, _, state in week.tick(MONDAY + late)}
    assert states["send"] == "done"
    assert "missed" not in states.values()
    assert week.mails() == 1


def test_nothing_is_gathered_for_an_issue_that_was_sent_early(office: Offices) -> None:
    week = office('gather = ["fri 14:00", "fri 15:00"]')
    week.tick(FRIDAY - HOUR)
    week.approve()
    sending.send(week.desk, plan.plan(week.desk, ISSUE))
    assert week.tick(FRIDAY) == [("gather", "2025-07-07", "skipped")]
    assert week.mails("tests") == 1


def test_status_says_that_a_changed_list_waits_for_a_word(office: Offices) -> None:
    from newsletter.app.readers import lists

    week = office('approval = "automatic"')
    for number in range(30):
        lists.add(week.desk, f"reader{number}@example.com", "")
    week.tick(FRIDAY)
    week.tick(MONDAY)
    for number in range(30, 60):
        lists.add(week.desk, f"reader{number}@example.com", "")
    later = timedelta(days=7)
    week.room.write("feed.xml", feed(["Four", "Five"], FRIDAY + later - HOUR))
    week.tick(FRIDAY + later)
    assert week.tick(MONDAY + later) == [("send", "2025-07-14", "waiting")]
    assert "The send of 2025-07-14 waits: The list 'weekly' has 61 readers now" in week.waiting()
    assert "To confirm: newsletter send 2025-07-14" in week.waiting()


@pytest.mark.parametrize("late", [-HOUR, HOUR, 7 * HOUR])
def test_no_timetable_sends_a_correction_though_it_has_the_day_of_an_issue(
    office: Offices, late: timedelta
) -> None:
    week = office(DEADLINE)
    week.now = MONDAY + late
    correction = IssueName.parse("2025-07-07-c1")
    assert deadlines.send_time(week.desk, correction) is None
    assert deadlines.approval_deadline(week.desk, correction) is None
    assert deadlines.automatic_send_time(week.desk, correction) is None
    assert approval_links.expiry(week.desk, correction) == week.now + 24 * HOUR
    issue = deadlines.automatic_send_time(week.desk, ISSUE)
    assert issue == (max(MONDAY, week.now) if late < 6 * HOUR else None)
