"""Mails that came back: of whom they are believed, how far, and that each counts once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter.app.feedback import bounced_mail
from newsletter.app.feedback.bounced_mail import BounceCounts
from newsletter.app.readers import lists
from newsletter.bounces import Fate
from newsletter.errors import UsageError
from tests import bounce_mails
from tests.clocked_newsroom import FRIDAY, MONDAY, Office

NAMES = ("reader", *(f"r{number}" for number in range(1, 14)))
DAY = timedelta(days=1)


class Mailed:
    """An office whose issue went to fourteen readers; what comes back of it is the test's."""

    def __init__(self, week: Office) -> None:
        self.week = week
        for name in NAMES[1:]:
            lists.add(week.desk, f"{name}@example.com", "")
        week.tick(FRIDAY)
        week.approve()
        week.tick(MONDAY)
        folder = week.room.folder / "outbox" / "2025-07-07"
        self.out = {path.stem.split("-", 1)[1]: path.read_bytes() for path in folder.glob("*.eml")}
        week.now = MONDAY + DAY

    def of(self, name: str) -> bytes:
        return self.out[f"{name}@example.com"]

    def take(self, *mails: bytes) -> BounceCounts:
        back = self.week.room.folder / "back"
        for path in back.glob("*"):
            path.unlink()
        back.mkdir(exist_ok=True)
        for number, mail in enumerate(mails):
            (back / f"{number:02}.eml").write_bytes(mail)
        return bounced_mail.read_mailbox(self.week.desk, str(back))

    def state(self, name: str) -> str:
        people = {person.email: person.word for person in lists.everyone(self.week.desk)}
        return people[f"{name}@example.com"]


@pytest.fixture(scope="module")
def mailed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailed]:
    """For all tests here; each has readers of its own."""
    week = Office(tmp_path_factory.mktemp("bounced"))
    yield Mailed(week)
    week.desk.close()


@pytest.fixture
def mailed(mailed_once: Mailed) -> Mailed:
    mailed_once.week.now = MONDAY + DAY
    return mailed_once


AT = MONDAY + timedelta(hours=6)


def without_link(mail: bytes) -> bytes:
    return mail.replace(b"List-Unsubscribe: ", b"X-Left: ")


def without_number(mail: bytes) -> bytes:
    return mail.replace(b"Message-ID: <", b"X-Was: <")


def test_a_number_with_the_signed_link_is_believed_whatever_address_is_named(
    mailed: Mailed,
) -> None:
    result = mailed.take(bounce_mails.dsn(mailed.of("r1"), to="forwarded@example.net", at=AT))
    assert (result.fates, result.new, result.duplicates) == ({Fate.BOUNCED: 1}, 1, 0)
    assert mailed.state("r1") == "bounced"
    assert mailed.state("reader") == "active"


def test_a_number_with_the_readers_address_is_believed(mailed: Mailed) -> None:
    result = mailed.take(
        bounce_mails.dsn(without_link(mailed.of("r2")), to="R2@Example.com", at=AT)
    )
    assert result.fates == {Fate.BOUNCED: 1}
    assert mailed.state("r2") == "bounced"


def test_the_signed_link_alone_is_believed(mailed: Mailed) -> None:
    result = mailed.take(bounce_mails.complaint(without_number(mailed.of("r3"))))
    assert result.fates == {Fate.COMPLAINED: 1}
    assert mailed.state("r3") == "complained"


def test_a_number_with_the_link_of_another_reader_counts_for_whose_link_it_is(
    mailed: Mailed,
) -> None:
    link = re.findall(rb"List-Unsubscribe: [^\r]+\r\n", mailed.of("r4"))[0]
    forged = re.sub(rb"List-Unsubscribe: [^\r]+\r\n", link, mailed.of("reader"))
    mailed.take(bounce_mails.dsn(forged, to="nobody@example.net", at=AT))
    assert mailed.state("reader") == "active"
    assert mailed.state("r4") == "bounced"


@pytest.mark.parametrize("change", ["hash", "number", "both without an address"])
def test_a_number_that_was_guessed_is_believed_no_more_than_the_address(
    mailed: Mailed, change: str
) -> None:
    mail = without_link(mailed.of("r5"))
    if change == "hash":
        mail = re.sub(rb"Message-ID: <\w{16}", b"Message-ID: <0123456789abcdef", mail)
    elif change == "number":
        mail = re.sub(rb"(Message-ID: <\w{16})\.\d+", rb"\1.999999", mail)
    to = "nobody@example.net" if "without" in change else "r5@example.com"
    result = mailed.take(bounce_mails.dsn(mail, to=to, at=AT))
    assert result.fates == ({} if "without" in change else {Fate.BLOCKED: 1})
    assert result.unidentified == ("without" in change)
    assert mailed.state("r5") == "active"


def nameless(**more: object) -> bytes:
    """A report on a mail that shows nothing of ours but the address."""
    plain = b"From: a@example.com\r\nTo: x@example.com\r\n\r\nwords"
    return bounce_mails.dsn(plain, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "read", "counts"),
    [
        (timedelta(hours=1), DAY, True),
        (timedelta(days=29), timedelta(days=29, hours=12), True),
        (timedelta(days=31), timedelta(days=31, hours=12), False),  # too long after the issue
        (timedelta(hours=-1), DAY, False),  # it was written before the issue went out
        (-DAY, DAY, False),
        (timedelta(hours=1), timedelta(days=31), False),
        (timedelta(days=9), DAY, True),  # its date is in the future: it is taken for now
    ],
)
def test_an_address_alone_is_believed_of_the_last_issue_and_for_a_month(
    mailed: Mailed, sent: timedelta, read: timedelta, counts: bool
) -> None:
    mailed.week.now = MONDAY + read
    result = mailed.take(nameless(to="r6@example.com", at=MONDAY + sent))
    assert result.fates == ({Fate.BLOCKED: 1} if counts else {})
    assert (result.unidentified, result.unrelated) == (0 if counts else 1, 0)
    assert mailed.state("r6") == "active"


def test_a_clock_that_is_some_minutes_behind_is_no_earlier_issue(mailed: Mailed) -> None:
    at = MONDAY - timedelta(minutes=9)
    assert mailed.take(nameless(to="r7@example.com", at=at)).fates == {Fate.BLOCKED: 1}
    at = MONDAY - timedelta(minutes=11)
    assert mailed.take(nameless(to="r7@example.com", at=at)).fates == {}


@pytest.mark.parametrize("kind", ["abuse", "opt-out"])
def test_an_address_alone_neither_complains_nor_leaves(mailed: Mailed, kind: str) -> None:
    plain = b"From: a@example.com\r\nTo: x@example.com\r\n\r\nwords"
    result = mailed.take(bounce_mails.complaint(plain, kind, about="r8@example.com"))
    assert (result.fates, result.unidentified) == ({}, 1)
    assert mailed.state("r8") == "active"


def test_who_leaves_by_a_report_leaves_this_list(mailed: Mailed) -> None:
    result = mailed.take(bounce_mails.complaint(mailed.of("r9"), "opt-out"))
    assert result.fates == {Fate.LEAVES: 1}
    assert mailed.state("r9") == "unsubscribed"


@pytest.mark.parametrize(("named", "counts"), [(10, True), (11, False)])
def test_a_mail_that_names_many_readers_is_believed_of_none(
    mailed: Mailed, named: int, counts: bool
) -> None:
    report = bounce_mails.dsn(without_link(mailed.of("r10")), to="r10@example.com", at=AT)
    more = "".join(
        f"Final-Recipient: rfc822; x{n}@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        for n in range(named - 1)
    )
    place = report.index(b"--b\r\nContent-Type: text/rfc822-headers")
    result = mailed.take(report[:place] + more.encode() + report[place:])
    assert result.fates == ({Fate.BOUNCED: 1} if counts else {})
    if counts:
        assert mailed.state("r10") == "bounced"


def test_what_is_read_again_counts_once_and_a_delay_suppresses_nobody(mailed: Mailed) -> None:
    delayed = bounce_mails.dsn(mailed.of("r11"), action="delayed", status="4.4.1", at=AT)
    full = bounce_mails.dsn(mailed.of("r12"), status="5.2.2", words="smtp; 552 full", at=AT)
    result = mailed.take(delayed, full, bounce_mails.vacation("r11@example.com"), full)
    assert result.fates == {Fate.DELAYED: 1, Fate.BLOCKED: 2}
    assert (result.mails, result.new, result.duplicates, result.unrelated, result.unidentified) == (
        4,
        2,
        1,
        1,
        0,
    )
    again = mailed.take(delayed, full)
    assert (again.new, again.duplicates) == (0, 2)
    assert mailed.state("r11") == mailed.state("r12") == "active"


def test_more_mails_than_are_stored_at_once_are_all_read(mailed: Mailed) -> None:
    notes = [bounce_mails.vacation("r13@example.com") for _ in range(2 * bounced_mail.BATCH_SIZE)]
    result = mailed.take(*notes, bounce_mails.dsn(mailed.of("r13"), at=AT))
    assert (result.mails, result.unrelated) == (
        2 * bounced_mail.BATCH_SIZE + 1,
        2 * bounced_mail.BATCH_SIZE,
    )
    assert mailed.state("r13") == "bounced"


def test_no_moment_of_a_notice_is_in_the_future(mailed: Mailed) -> None:
    mailed.take(bounce_mails.dsn(mailed.of("reader"), status="5.2.2", at=MONDAY + 300 * DAY))
    with mailed.week.desk.database.read() as connection:
        latest = connection.execute(text("select max(at) from events")).scalar_one()
    assert datetime.fromisoformat(str(latest)).year == 2025


def test_what_is_no_place_is_said(mailed: Mailed, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        bounced_mail.read_mailbox(mailed.week.desk, str(tmp_path / "nowhere"))
