"""Mails that come back, as mail servers write them, about a mail that was really made."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime
from itertools import count

_NUMBERS = count(1)
HEAD = (
    "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.test (Mail Delivery System)\r\n"
    "To: news@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    "Date: {date}\r\nMessage-ID: <{number}@mx.example.test>\r\nMIME-Version: 1.0\r\n"
)


def dsn(
    mail: bytes,
    *,
    to: str | None = None,
    action: str = "failed",
    status: str = "5.1.1",
    words: str = "smtp; 550 5.1.1 User unknown",
    headers_only: bool = True,
    at: datetime | None = None,
) -> bytes:
    """A delivery report of RFC 3464, as Postfix writes it."""
    sent = message_from_bytes(mail)
    address = to or str(sent["To"]).rpartition("<")[2].rstrip(">")
    copy = _headers(sent) if headers_only else mail.decode()
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    text = _head(at) + (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is the mail system.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.test\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {words}\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{copy}\r\n--b--\r\n"
    )
    return text.encode()


def complaint(mail: bytes, kind: str = "abuse", about: str = "redacted@example.test") -> bytes:
    """A feedback report of RFC 5965, the reader's address blacked out, as large providers do."""
    text = _head() + (
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {kind}\r\nUser-Agent: Some/1.0\r\nVersion: 1\r\n"
        f"Original-Rcpt-To: {about}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{_headers(message_from_bytes(mail))}"
        "\r\nwords\r\n--b--\r\n"
    )
    return text.encode()


def qmail(mail: bytes) -> bytes:
    sent = message_from_bytes(mail)
    text = _head() + (
        "\r\nHi. This is the qmail-send program at mx.example.test.\r\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n"
        f"<{sent['To']}>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        "--- Below this line is a copy of the message.\r\n\r\n"
        f"Return-Path: <news@example.com>\r\n{_headers(sent)}\r\nwords\r\n"
    )
    return text.encode()


def exim(mail: bytes) -> bytes:
    sent = message_from_bytes(mail)
    text = _head() + (
        f"X-Failed-Recipients: {sent['To']}\r\n\r\n"
        "This message was created automatically by mail delivery software.\r\n\r\n"
        f"  {sent['To']}\r\n    SMTP error: 452 4.2.2 The mailbox is over quota\r\n\r\n"
        "------ This is a copy of the message, including all the headers. ------\r\n\r\n"
        f"{_headers(sent)}\r\nwords\r\n"
    )
    return text.encode()


def exchange(address: str) -> bytes:
    """The old form, which names nothing of the mail but whom it could not reach."""
    text = _head() + (
        "\r\nYour message\r\n\r\n  Subject: News\r\n\r\n"
        "did not reach the following recipient(s):\r\n\r\n"
        f"{address} on Thu, 26 Nov 2026 10:00:00 +0000\r\n"
        "    The e-mail account does not exist at the organization this message was sent to.\r\n"
    )
    return text.encode()


def vacation(address: str) -> bytes:
    text = (
        f"From: {address}\r\nTo: news@example.com\r\nSubject: Away\r\n"
        f"Auto-Submitted: auto-replied\r\n\r\nI am away. <{address}>: user unknown to work.\r\n"
    )
    return text.encode()


def _head(at: datetime | None = None) -> str:
    return HEAD.format(date=format_datetime(at or datetime.now(UTC)), number=next(_NUMBERS))


def _headers(sent: Message) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in sent.items())
