"""The result of handing over one mail, and how a server's reply is quoted."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass

from newsletter.model import Answer

SOON = 60.0  # seconds to wait after a broken connection
LATER = 300.0  # seconds to wait if the server asks to try later


@dataclass(frozen=True)
class MailResult:
    """The result of handing over one mail."""

    answer: Answer
    reason: str = ""
    retry_after: float | None = None  # seconds
    pause: str | None = None  # why the send must pause
    last: bool = False  # the connection cannot be used any more
    reply: str = ""  # the server's reply, if it refused this address or mail for good


class NoConnection(Exception):  # noqa: N818 - a result, not an error
    """There is no connection, so nothing was sent."""

    result: MailResult
    """The result of every mail that was not handed over before."""

    def __init__(self, reason: str, *, pause: bool) -> None:
        super().__init__(reason)
        wait = None if pause else SOON
        self.result = MailResult(Answer.NOT_SENT, reason, wait, reason if pause else None, True)


def describe(error: Exception) -> str:
    """The error as text that cannot contain the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        return quoted(error.smtp_code, error.smtp_error)
    if isinstance(error, UnicodeError):
        return "host, user or password contains characters that cannot be used there"
    return _plain(str(error)) or type(error).__name__


def quoted(code: int, reply: bytes | str) -> str:
    """A reply on one line, without control characters."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {_plain(text)}".strip() if code > 0 else _plain(text) or "no text"


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())[:300]
