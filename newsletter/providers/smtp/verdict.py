"""What became of one mail, and how a mail server's words are quoted."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass

from newsletter.model import Answer

SOON = 60.0  # seconds to wait after a fault of the connection
LATER = 300.0  # seconds to wait where the server asks for patience


@dataclass(frozen=True)
class Verdict:
    """What became of one mail; ``last``: this connection is of no more use.

    ``words`` is what the server said where it refused this address or this mail for good.
    """

    answer: Answer
    reason: str = ""
    retry_after: float | None = None
    pause: str | None = None
    last: bool = False
    words: str = ""


class Refused(Exception):  # noqa: N818 - it is no error but an answer
    """No connection: nothing was sent. ``verdict`` holds for everyone in the batch."""

    def __init__(self, reason: str, *, pause: bool) -> None:
        super().__init__(reason)
        wait = None if pause else SOON
        self.verdict = Verdict(Answer.NOT_SENT, reason, wait, reason if pause else None, True)


def said(error: Exception) -> str:
    """The error in words that cannot hold the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        return quoted(error.smtp_code, error.smtp_error)
    if isinstance(error, UnicodeError):
        return "host, user or password has letters that cannot be used there"
    return _plain(str(error)) or type(error).__name__


def quoted(code: int, words: bytes | str) -> str:
    """A reply on one line, without control characters."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {_plain(text)}".strip() if code > 0 else _plain(text) or "no words"


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())[:300]
