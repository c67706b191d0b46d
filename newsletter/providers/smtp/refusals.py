"""Recognize a server that refuses every address with the same reply: a daily limit, a block.

Believing it would reject a whole list. So several refusals in a row that differ only in the address
stop the send, and those readers stay waiting.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from newsletter.model import Answer
from newsletter.providers.smtp.mail_result import MailResult

FEW = 5  # refusals of different addresses in a row, with the same reply
MANY = 25  # the same, if the reply's code says that the address itself is wrong

_WRONG_ADDRESS = re.compile(r"5\d\d[ -]5\.1\.(?:[1236]|10)\b")  # RFC 3463, RFC 7505
_QUEUE_ID = re.compile(r"(?=\S*\d)\S{12,}")  # differs in each reply


class Refusals:
    """Refusals in a row, counted over all batches and connections of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pattern = ""  # the reply without the address
        self._reply = ""
        self._addresses: set[str] = set()
        self._recorded: set[str] = set()  # those whose batch has ended: rejected for good
        self._under_way = 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Wrap a batch. A row that stops one batch stops all running ones, and is then cleared."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if self._stuck and not self._under_way:
                    self._begin("", "")

    def record(self, address: str, result: MailResult) -> None:
        """Record the result of one mail."""
        pattern = _pattern(result.reply, address)
        with self._lock:
            if self._stuck or not (pattern or result.answer is Answer.ACCEPTED):
                return
            if pattern != self._pattern:
                self._begin(pattern, result.reply)
            if pattern:
                self._addresses.add(address)

    def stop(self, server: object) -> MailResult | None:
        """The result for all mails not sent yet, if the send has to stop."""
        with self._lock:
            return self._verdict(server) if self._stuck else None

    def final_result(self, server: object, address: str, result: MailResult) -> MailResult:
        """The result at the end of its batch; NOT_SENT for the refusals that stopped the send."""
        with self._lock:
            in_this_row = bool(result.reply) and _pattern(result.reply, address) == self._pattern
            if in_this_row and self._stuck:
                return self._verdict(server)
            if in_this_row:
                self._recorded.add(address)
            return result

    @property
    def _stuck(self) -> bool:
        limit = MANY if _WRONG_ADDRESS.match(self._reply) else FEW
        return len(self._addresses) >= limit

    def _begin(self, pattern: str, reply: str) -> None:
        self._pattern, self._reply = pattern, reply
        self._addresses, self._recorded = set(), set()

    def _verdict(self, server: object) -> MailResult:
        reason = (
            f"{server} refused {len(self._addresses)} readers in a row with the same reply: "
            f"{self._reply}"
        )
        earlier = len(self._recorded & self._addresses)
        recorded = f" The receipt lists the first {earlier} of them as rejected." * bool(earlier)
        pause = (
            f"{reason.rstrip('.')}. The readers are rarely the cause: ask the server's operator "
            f"whether you have reached a limit or are blocked.{recorded} If these addresses "
            f"really no longer exist: newsletter subscribers remove ADDRESS."
        )
        return MailResult(Answer.NOT_SENT, reason, pause=pause)


def _pattern(reply: str, address: str) -> str:
    """The reply without its address and queue id, which differ for each mail."""
    if not reply:
        return ""
    return _QUEUE_ID.sub("#", re.sub(re.escape(address), "…", reply, flags=re.IGNORECASE))
