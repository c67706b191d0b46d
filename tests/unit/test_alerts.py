"""What the editor hears of the week, each thing once: by mail, and at the webhook."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import pytest

from newsletter.app.clock.status import overview
from newsletter.app.readers import lists
from newsletter.app.send import plan, receipts
from newsletter.app.send import send as sending
from newsletter.app.timetable.deadlines import automatic_send_time
from newsletter.app.timetable.moves import reschedule
from newsletter.errors import NotReadyError
from newsletter.model import Answer, Outcome
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY, Offices
from tests.editor_alerts import heard, mails, rows, text
from tests.newsroom import feed

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def test_the_draft_is_ready_once_for_the_same_bytes_with_a_link_to_approve(office: Offices) -> None:
    week = office('gather = ["fri 15:00", "sat 15:00"]')
    week.tick(FRIDAY)
    assert heard(week) == ["draft"]
    message = mails(week)[0][2]
    assert message["To"] == "Robin Ahn <editor@example.com>"
    assert message["Subject"] == "The draft for Jul 7 is ready"
    said = text(week)
    assert "(stories: 3) is due Monday, July 7, 07:00 PDT" in said
    assert "approve it by Monday, July 7, 07:00 PDT: newsletter approve 2025-07-07" in said
    assert "https://news.example.com/approve/v2.1.2025-07-07." in said
    assert "until Monday, July 7, 13:00 PDT" in said
    week.tick(FRIDAY + 24 * HOUR)
    assert heard(week) == ["draft"]


def test_a_draft_with_errors_says_so_and_has_no_link(office: Offices) -> None:
    week = office("min_stories = 9")
    week.tick(FRIDAY)
    assert heard(week) == ["draft"]
    assert "newsletter check 2025-07-07" in text(week)
    assert "/approve/" not in text(week)


def test_without_public_pages_or_need_there_is_no_link(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.tick(FRIDAY)
    assert "/approve/" not in text(week)
    assert "It needs no approval" in text(week)


def test_an_hour_before_the_deadline_unless_it_is_approved(office: Offices) -> None:
    week = office('deadline = "sun 18:00"')
    deadline = MONDAY - 13 * HOUR
    week.tick(FRIDAY)
    week.tick(deadline - HOUR - MINUTE)
    assert heard(week) == ["draft"]
    week.tick(deadline - HOUR)
    week.tick(deadline - HOUR + MINUTE)
    assert heard(week) == ["draft", "unapproved"]
    assert "Without an approval it is held" in text(week)
    assert "/approve/v2.1.2025-07-07." in text(week)
    week.tick(deadline)
    assert heard(week) == ["draft", "unapproved", "held"]
    for minutes in (90, 60, 59, 30):  # at the send nothing is decided any more
        week.tick(MONDAY - minutes * MINUTE)
    assert heard(week) == ["draft", "unapproved", "held"]


def test_nobody_is_reminded_of_a_draft_that_is_still_to_be_made(office: Offices) -> None:
    week = office('gather = "sun 17:30"\ndeadline = "sun 18:00"')
    deadline = MONDAY - 13 * HOUR
    week.tick(deadline - HOUR)
    assert heard(week) == []
    week.tick(deadline - HOUR / 2)
    assert heard(week) == ["draft", "unapproved"]


def test_who_approves_in_time_hears_no_more(office: Offices) -> None:
    week = office('remind = "sun 12:00"\ndeadline = "sun 18:00"')
    week.tick(FRIDAY)
    week.approve()
    for hours in (19, 14, 13, 1, 0):
        week.tick(MONDAY - hours * HOUR)
    assert heard(week) == ["draft"]
    assert week.mails() == 1


def test_an_approval_that_was_voided_counts_as_none(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    week.approve()
    week.room.write(f"issues/{ISSUE}/note.md", "Another note.\n")
    week.tick(MONDAY - HOUR)
    assert heard(week) == ["draft", "unapproved"]


@pytest.mark.parametrize("remind", ["sun 12:00", "mon 06:00"])
def test_a_reminder_comes_at_its_moment_and_not_twice_near_the_deadline(
    office: Offices, remind: str
) -> None:
    week = office(f'remind = "{remind}"')
    week.tick(FRIDAY)
    for minutes in range(24 * 60, 0, -30):
        week.tick(MONDAY - minutes * MINUTE)
    early = ["unapproved"] if remind.startswith("sun") else []
    assert heard(week) == ["draft", *early, "unapproved"]


@pytest.mark.parametrize(
    ("policy", "kind", "words"),
    [
        (
            "hold",
            "held",
            "After Monday, July 7, 13:00 PDT you must send it yourself: newsletter send 2025",
        ),
        ("skip", "skipped", "To send it anyway: newsletter approve 2025-07-07"),
        ("send", "unapproved-sent", "newsletter receipt 2025-07-07"),
    ],
)
@pytest.mark.parametrize("deadline", ["", '\ndeadline = "sun 18:00"'])
def test_what_becomes_of_an_issue_that_nobody_approved(
    office: Offices, policy: str, kind: str, words: str, deadline: str
) -> None:
    week = office(f'if_unapproved = "{policy}"{deadline}')
    week.tick(FRIDAY)
    for hours in (-13, 0, 1, 2):
        week.tick(MONDAY + hours * HOUR)
    assert heard(week) == ["draft", kind]
    assert words in text(week)
    assert ("/approve/" in text(week)) == (kind == "held")


def test_automatic_tells_why_it_does_not_go(office: Offices) -> None:
    week = office('approval = "automatic"\nmin_stories = 9')
    week.tick(FRIDAY)
    week.tick(MONDAY)
    week.tick(MONDAY + HOUR)
    assert heard(week) == ["draft", "held"]
    assert "min_stories asks for 9" in text(week)
    assert "/approve/" not in text(week)


def test_automatic_can_be_approved_by_a_link_where_only_a_source_is_against_it(
    office: Offices,
) -> None:
    down = '\n[[sources]]\ntype = "feed"\npath = "other.xml"\n'
    week = office(f'approval = "automatic"\n{down}')
    week.tick(FRIDAY)
    week.tick(MONDAY)
    assert sorted(heard(week)) == ["draft", "held", "source"]
    assert "other.xml is failing" in text(week)
    assert "/approve/v2.1.2025-07-07." in text(week)


def test_a_list_without_readers_is_told(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    week.approve()
    lists.remove(week.desk, "reader@example.com")
    week.tick(MONDAY)
    week.tick(MONDAY + MINUTE)
    assert heard(week) == ["draft", "held"]
    assert "has no active subscribers" in text(week)


def test_what_was_missed_is_one_mail(office: Offices) -> None:
    week = office('approval = "automatic"')
    week.tick()
    week.tick(FRIDAY + timedelta(days=14, hours=5))
    assert sorted(heard(week)) == ["draft", "missed"]
    said = text(week, heard(week).index("missed"))
    for issue in ("2025-07-07", "2025-07-14"):
        assert f"newsletter gather {issue}" in said
        assert f"newsletter send {issue}" in said


def test_a_gather_that_fails_is_told_once_and_a_source_that_is_down_too(office: Offices) -> None:
    week = office()
    good = (week.room.folder / "feed.xml").read_text()
    week.room.write("feed.xml", "no feed")
    week.tick(FRIDAY)
    week.tick(FRIDAY + 10 * MINUTE)
    assert heard(week) == ["failed"]
    assert "It is retried every few minutes until Friday, July 4, 21:00 PDT" in text(week)
    week.room.write("feed.xml", good)
    week.tick(FRIDAY + 20 * MINUTE)
    assert heard(week) == ["failed", "draft"]
    more = '\n[[sources]]\ntype = "feed"\npath = "other.xml"\n'
    week.desk.close()
    week.room.configure(f'\n[schedule]\ngather = ["sat 15:00", "sun 15:00"]\n{more}')
    week.desk = week.open()
    week.tick(FRIDAY + HOUR)
    week.tick(FRIDAY + 24 * HOUR)
    assert heard(week).count("source") == 1
    week.tick(FRIDAY + 48 * HOUR)
    assert heard(week).count("source") == 1
    (said,) = (place for place, kind in enumerate(heard(week)) if kind == "source")
    assert "other.xml cannot be read since Saturday, July 5, 15:00 PDT." in text(week, said)


class Refusing:
    """A provider that refuses the key, or gives no answer; tests and alerts go all the same."""

    batch_size = 1

    def __init__(self, outcome: str) -> None:
        self.outcome = outcome

    def submit(self, send, batch):  # type: ignore[no-untyped-def]
        if send.test:
            return Outcome.all(batch, Answer.ACCEPTED)
        if self.outcome == "pause":
            said = "SendGrid answered 401: no. Check SENDGRID_API_KEY."
            return Outcome.all(batch, Answer.NOT_SENT, said, pause=said)
        return Outcome.all(batch, Answer.UNKNOWN, "no answer")


@pytest.mark.parametrize("way", ["pause", "doubt"])
def test_a_send_that_pauses_or_leaves_doubt_tells_so_in_the_same_transaction(
    office: Offices, way: str
) -> None:
    week = office()
    week.tick(FRIDAY)
    week.approve()
    week.now = MONDAY
    week.desk.__dict__["provider"] = Refusing(way)
    planned = plan.plan(week.desk, ISSUE)
    refused = pytest.raises(NotReadyError, match="is paused") if way == "pause" else nullcontext()
    with refused:
        sending.send(week.desk, planned)
    (kind, said), *others = rows(week)
    assert others == []
    if way == "pause":
        assert kind == "paused"
        assert "Check SENDGRID_API_KEY" in said
        assert "`newsletter send 2025-07-07`" in said
    else:
        assert kind == "doubt"
        assert "may or may not have the mail: 1." in said
        assert receipts.receipt(week.desk, ISSUE).in_doubt == 1


def test_paused_by_the_tick_is_told_once_and_again_when_it_pauses_again(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    week.approve()
    week.desk.__dict__["provider"] = Refusing("pause")
    week.desk.__dict__["alerts_provider"] = Refusing("pause")
    for minutes in range(3):
        week.tick(MONDAY + minutes * MINUTE)
    with pytest.raises(NotReadyError, match="is paused"):
        sending.send(week.desk, plan.plan(week.desk, ISSUE))
    week.tick(MONDAY + 4 * MINUTE)
    with week.desk.database.read() as connection:
        told = connection.exec_driver_sql("select kind, sent_at from alerts order by id").all()
    assert [row[0] for row in told] == ["draft", "paused", "paused"]
    assert all(row[1] for row in told)


@pytest.mark.parametrize(
    ("way", "said"),
    [("pause", "The send of 2025-07-07 is paused: SendGrid answered 401"),
     ("doubt", "Readers of 2025-07-07 in doubt: 1;")],
)  # fmt: skip
def test_status_still_names_what_waits_of_an_issue_before_the_last(
    office: Offices, way: str, said: str
) -> None:
    week = office('approval = "automatic"')
    week.tick(FRIDAY)
    provider = week.desk.provider
    week.desk.__dict__["provider"] = Refusing(way)
    week.tick(MONDAY)
    assert said in week.waiting()
    week.desk.__dict__["provider"] = provider
    week.room.write("feed.xml", feed(["Later"], FRIDAY + 6 * DAY))
    week.tick(FRIDAY + 7 * DAY)
    assert ("send", "2025-07-14", "done") in week.tick(MONDAY + 7 * DAY)
    assert said in week.waiting()


def test_status_shows_the_next_send_however_often_is_gathered_before(office: Offices) -> None:
    week = office(f"gather = {[f'sat {hour:02}:00' for hour in range(5, 17)]}")
    shown = overview(week.desk).next
    assert [moment.kind for moment in shown] == ["gather"] * 5 + ["send"]


def test_when_it_goes_out_once_approved(office: Offices) -> None:
    week = office('if_unapproved = "skip"\ngrace = "2h"\ndeadline = "sun 18:00"')
    week.tick(FRIDAY)
    assert automatic_send_time(week.desk, ISSUE) == MONDAY
    week.tick(MONDAY - 13 * HOUR)  # it is skipped
    assert automatic_send_time(week.desk, ISSUE) is None


def test_a_held_issue_goes_out_at_once_within_the_grace(office: Offices) -> None:
    week = office('grace = "2h"')
    week.tick(FRIDAY)
    week.tick(MONDAY)
    week.now = MONDAY + HOUR
    assert automatic_send_time(week.desk, ISSUE) == MONDAY + HOUR
    week.now = MONDAY + 3 * HOUR
    assert automatic_send_time(week.desk, ISSUE) is None


def test_a_moved_send_moves_what_is_told_with_it(office: Offices) -> None:
    week = office()
    week.now = FRIDAY - HOUR
    reschedule(week.desk, ISSUE, "tue 09:00")
    week.tick(FRIDAY)
    assert "is due Tuesday, July 8, 09:00 PDT" in text(week)
    week.tick(MONDAY + 25 * HOUR)
    assert heard(week) == ["draft", "unapproved"]
