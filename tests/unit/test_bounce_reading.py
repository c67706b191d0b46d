"""What one mail that came back says, whatever program has written it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from newsletter.bounces import Fate, Notice, read
from tests import bounce_mails

READER = "ada@example.com"
LEAVE = "<https://news.example.com/unsubscribe/1-2-3-aaaaaaaaaaaaaaaaaaaa>"
SENT = (
    f"Message-ID: <0123456789abcdef.12@example.com>\r\nTo: {READER}\r\n"
    f"List-Unsubscribe: {LEAVE}\r\nSubject: News\r\n\r\nwords\r\n"
).encode()


def only(mail: bytes) -> Notice:
    (notice,) = read(mail)
    return notice


def report(status: str, words: str) -> Fate:
    return only(bounce_mails.dsn(SENT, status=status, words=f"smtp; {words}")).fate


def text_mail(text: str, head: str = "Return-Path: <>") -> bytes:
    mail = f"{head}\r\nMessage-ID: <1@mx.example.test>\r\n\r\n" + text.replace("\n", "\r\n")
    return mail.encode()


# --- delivery reports --------------------------------------------------------------------


@pytest.mark.parametrize("code", ["1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1"])
def test_a_code_that_says_it_is_the_address(code: str) -> None:
    assert report(f"5.{code}", "550 no") is Fate.BOUNCED
    assert report("5.0.0", f"550 5.{code} no") is Fate.BOUNCED
    assert report(f"4.{code}", "450 no") is Fate.BLOCKED


@pytest.mark.parametrize(
    "code", ["1.5", "1.7", "1.8", "1.9", "2.2", "2.3", "3.4", "4.1", "4.7", "6.0", "7.1", "7.26"]
)
def test_a_code_that_says_something_else(code: str) -> None:
    assert report(f"5.{code}", "550 user unknown") is Fate.BLOCKED
    assert report("5.0.0", f"550 5.{code} user unknown") is Fate.BLOCKED


@pytest.mark.parametrize("status", ["5.0.0", "5.5.0", "5.2.0", "5.4.0"])
@pytest.mark.parametrize(
    "words",
    [
        "550 User unknown", "550 Unknown user", "550 No such user here", "550 Invalid recipient",
        "550 Bad address", "550 Recipient address rejected", "550 mailbox unavailable",
        "550 account disabled", "550 Mailbox not found", "550 user does not exist",
        "550 The account doesn't exist", "550 mailbox no longer exists", "550 address is inactive",
        "550 no mailbox here by that name", "550 ada not listed in Domino Directory",
        "550 This user doesn't have a yahoo.com account (ada@yahoo.com) [0]",
        "550 ada does not have an account here", "550 사용자를 찾을 수 없습니다",
        "550 존재하지 않는 계정",
    ],
)  # fmt: skip
def test_words_that_say_it_is_the_address(status: str, words: str) -> None:
    assert report(status, words) is Fate.BOUNCED


@pytest.mark.parametrize(
    "words",
    [
        "550 user unknown, or over quota", "550 mailbox unavailable: mailbox full",
        "550 invalid recipient: message too large", "550 address rejected as spam",
        "550 recipient rejected, you are blocked", "550 user rejected by blacklist",
        "550 recipient rejected by policy", "550 user unknown: temporary failure",
        "550 recipient unavailable, greylisted", "554 Message refused", "550 no", "",
    ],
)  # fmt: skip
def test_words_that_may_be_about_something_else(words: str) -> None:
    assert report("5.0.0", words) is Fate.BLOCKED


@pytest.mark.parametrize("status", ["4.0.0", "4.2.0", "2.0.0"])
def test_a_vague_code_that_is_no_failure_for_good(status: str) -> None:
    assert report(status, "user unknown") is Fate.BLOCKED


@pytest.mark.parametrize(
    ("action", "fate"),
    [("failed", Fate.BOUNCED), ("FAILED", Fate.BOUNCED), ("delayed", Fate.DELAYED)],
)
def test_what_the_server_has_done(action: str, fate: Fate) -> None:
    assert only(bounce_mails.dsn(SENT, action=action)).fate is fate


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", ""])
def test_what_is_no_failure(action: str) -> None:
    assert read(bounce_mails.dsn(SENT, action=action)) == []


@pytest.mark.parametrize("headers_only", [True, False])
def test_whose_mail_it_was_and_what_was_said(headers_only: bool) -> None:
    at = datetime(2025, 7, 7, 9, 30, tzinfo=timezone(timedelta(hours=9, minutes=30)))
    mail = bounce_mails.dsn(SENT, headers_only=headers_only, at=at)
    notice = only(mail)
    assert notice.recipients == (READER,)
    assert notice.message_id == "<0123456789abcdef.12@example.com>"
    assert notice.list_unsubscribe == LEAVE
    assert notice.status == "5.1.1"
    assert "User unknown" in notice.reason
    assert notice.at == datetime(2025, 7, 7, tzinfo=UTC)
    assert read(mail) == read(mail)


def test_several_readers_in_one_report_are_told_apart() -> None:
    mail = bounce_mails.dsn(SENT)
    more = (
        b"Final-Recipient: rfc822; b@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
        b"Original-Recipient: rfc822; c@example.com\r\nFinal-Recipient: rfc822; d@example.com\r\n"
        b"Action: failed\r\nStatus: 5.2.2\r\n\r\n"
        b"Final-Recipient: rfc822; e@example.com\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\n"
    )
    place = mail.index(b"--b\r\nContent-Type: text/rfc822-headers")
    found = read(mail[:place] + more + mail[place:])
    assert [(n.fate, n.recipients) for n in found] == [
        (Fate.BOUNCED, (READER,)),
        (Fate.DELAYED, ("b@example.com",)),
        (Fate.BLOCKED, ("c@example.com", "d@example.com")),
    ]
    assert len({notice.key for notice in found}) == 3
    assert {notice.message_id for notice in found} == {"<0123456789abcdef.12@example.com>"}


def test_two_reports_have_different_keys_and_one_has_the_same_wherever_it_lies() -> None:
    one, other = bounce_mails.dsn(SENT), bounce_mails.dsn(SENT)
    assert only(one).key != only(other).key
    assert only(b"Received: by somebody\r\n" + one).key == only(one).key
    no_id = one.replace(b"Message-ID: <", b"X-Number: <", 1)
    assert only(no_id).key != only(no_id.replace(b"mail system", b"other system")).key


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Mon, 07 Jul 2025 14:00:00 -0700", datetime(2025, 7, 7, 21, tzinfo=UTC)),
        ("Mon, 07 Jul 2025 14:00:00 +0530", datetime(2025, 7, 7, 8, 30, tzinfo=UTC)),
        ("Mon, 07 Jul 2025 14:00:00 -0000", datetime(2025, 7, 7, 14, tzinfo=UTC)),
        ("Mon, 01 Jan 1990 00:00:00 +0000", datetime(1990, 1, 1, tzinfo=UTC)),
        ("Sun, 31 Dec 1989 00:00:00 +0000", None),
        ("Wed, 01 Jan 2200 00:00:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_when_it_was_written(date: str, at: datetime | None) -> None:
    mail = bounce_mails.dsn(SENT).decode()
    head, _, rest = mail.partition("Date: ")
    dated = f"{head}Date: {date}\r\n{rest.partition(chr(10))[2]}"
    assert only(dated.encode()).at == at


def test_a_report_of_rfc_6533() -> None:
    ours = "Message-ID: <0123456789abcdef.12@example.com>\r\n\r\n"
    mail = (
        'Return-Path: <>\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/global-delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.test\r\n\r\n"
        "Final-Recipient: utf-8; 철수@example.com\r\nAction: failed\r\nStatus: 5.0.0\r\n"
        "Diagnostic-Code: smtp; 550 존재하지 않는 계정\r\n\r\n"
        "Final-Recipient: utf-8; b@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
        f"--b\r\nContent-Type: message/global-headers\r\n\r\n{ours}--b--\r\n"
    )
    found = read(mail.encode())
    assert [(n.fate, n.recipients) for n in found] == [
        (Fate.BOUNCED, ("철수@example.com",)),
        (Fate.DELAYED, ("b@example.com",)),
    ]
    assert found[0].reason == "550 존재하지 않는 계정"
    assert found[1].message_id == "<0123456789abcdef.12@example.com>"


# --- complaints --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fate"),
    [("abuse", Fate.COMPLAINED), ("Fraud", Fate.COMPLAINED), ("opt-out", Fate.LEAVES)],
)
def test_a_feedback_report(kind: str, fate: Fate) -> None:
    notice = only(bounce_mails.complaint(SENT, kind, about=READER))
    assert (notice.fate, notice.recipients) == (fate, (READER,))
    assert notice.list_unsubscribe == LEAVE


@pytest.mark.parametrize("kind", ["not-spam", "virus", "other", "auth-failure", ""])
def test_a_feedback_report_that_complains_of_nothing(kind: str) -> None:
    assert read(bounce_mails.complaint(SENT, kind)) == []


# --- older forms -------------------------------------------------------------------------


def test_qmail() -> None:
    notice = only(bounce_mails.qmail(SENT))
    assert (notice.fate, notice.recipients, notice.status) == (Fate.BOUNCED, (READER,), "5.1.1")
    assert notice.message_id == "<0123456789abcdef.12@example.com>"
    two = bounce_mails.qmail(SENT).replace(
        b"--- Below", b"<b@example.com>:\r\nUser is over the quota. (#5.2.2)\r\n\r\n--- Below"
    )
    assert [(n.fate, n.recipients) for n in read(two)] == [
        (Fate.BOUNCED, (READER,)),
        (Fate.BLOCKED, ("b@example.com",)),
    ]


def test_exim() -> None:
    notice = only(bounce_mails.exim(SENT))
    assert (notice.fate, notice.recipients, notice.status) == (Fate.BLOCKED, (READER,), "4.2.2")
    gone = bounce_mails.exim(SENT).replace(
        b"452 4.2.2 The mailbox is over quota", b"550 Unknown user"
    )
    assert only(gone).fate is Fate.BOUNCED
    both = gone.replace(
        f"X-Failed-Recipients: {READER}".encode(),
        f"X-Failed-Recipients: {READER}, b@example.com".encode(),
    ).replace(b"------ This", b"  b@example.com\r\n    552 mailbox is full\r\n\r\n------ This")
    assert [(n.fate, n.recipients) for n in read(both)] == [
        (Fate.BOUNCED, (READER,)),
        (Fate.BLOCKED, ("b@example.com",)),
    ]


@pytest.mark.parametrize(
    "opening",
    [
        "did not reach the following recipient(s):",
        "could not be delivered to the following address:",
        "Your message couldn't be delivered.",
        "Delivery has failed to these recipients or groups:",
    ],
)
def test_exchange(opening: str) -> None:
    listed = only(text_mail(f"{opening}\n\n{READER} on Thu, 3 Jul 2025\n    No such user here\n"))
    assert (listed.fate, listed.recipients) == (Fate.BOUNCED, (READER,))
    alone = only(text_mail(f"{opening}\n\n<{READER}>\n\nThe mailbox is full.\n"))
    assert (alone.fate, alone.recipients) == (Fate.BLOCKED, (READER,))
    assert read(text_mail(f"{opening}\n\n{READER}\n", "From: ada@example.com")) == []


@pytest.mark.parametrize(
    ("head", "machine"),
    [
        ("Return-Path: <>", True),
        ("From: MAILER-DAEMON@mx.example.test", True),
        ("From: Mail Delivery <postmaster@mx.example.test>", True),
        ("From: mail-daemon@mx.example.test", True),
        ("From: ada@example.com\r\nReturn-Path: <ada@example.com>", False),
        ("From: no-mailer-daemon@example.com", False),
        ("From: MAILER-DAEMON <ada@example.com>", False),
    ],
)
def test_a_text_is_believed_of_mail_servers_alone(head: str, machine: bool) -> None:
    found = read(text_mail(f"Sorry:\n\n<{READER}>: 550 5.1.1 no such user\n", head))
    assert [notice.recipients for notice in found] == ([(READER,)] if machine else [])


@pytest.mark.parametrize(
    "copy",
    [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of the message, including all the headers. ------",
        "This is a copy of your message",
        "----- Original message -----",
        "The original message was:",
        "Returned message follows",
        "Included is a copy of the mail",
        "===== 원본 메시지 =====",
    ],
)
def test_where_the_copy_of_our_own_mail_begins(copy: str) -> None:
    said = f"<{READER}>: 550 5.1.1 no such user\n\n{copy}\n\n"
    ours = "Received: by us\nMessage-ID: <0123456789abcdef.12@example.com>\n\n<b@example.com>: x\n"
    notice = only(text_mail(said + ours))
    assert notice.recipients == (READER,)
    assert notice.message_id == "<0123456789abcdef.12@example.com>"


@pytest.mark.parametrize(
    "mail",
    [
        bounce_mails.vacation(READER),
        SENT,
        b"",
        b"\xff\x00" * 50,
        b"Content-Type: multipart/report; boundary=\r\n\r\n--",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n\r\n--b--\r\n",
    ],
)
def test_what_is_no_notice(mail: bytes) -> None:
    assert read(mail) == []


def test_what_the_server_said_is_kept_in_bounds_and_on_one_line() -> None:
    notice = only(bounce_mails.dsn(SENT, words="smtp; 550 5.1.1 " + "x" * 900 + "\r\n y"))
    assert 100 < len(notice.reason) <= 500
    assert "\n" not in notice.reason
