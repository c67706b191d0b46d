"""A server with a daily limit, or one that blocks us, refuses every address in the same words.

Taken at its word it would cost a list all its readers. So refusals in a row that differ in
nothing but the address stop the send, and those readers go on waiting.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from newsletter.model import Answer
from newsletter.providers.smtp.verdict import Verdict

FEW = 5  # refusals of different addresses, in a row, in the same words
MANY = 25  # the same, where the server says by its code that the address itself is wrong

_WRONG_ADDRESS = re.compile(r"5\d\d[ -]5\.1\.(?:[1236]|10)\b")  # RFC 3463, RFC 7505
_NUMBER_OF_ITS_OWN = re.compile(r"(?=\S*\d)\S{12,}")  # a queue's number differs in each answer


class Refusals:
    """Refusals in a row, counted over all batches and connections of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words = ""
        self._said = ""
        self._addresses: set[str] = set()
        self._recorded: set[str] = set()  # of them, those whose batch is over: rejected for good
        self._under_way = 0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Around each batch. What stopped one stops all under way; then it is forgotten."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                if self._stuck and not self._under_way:
                    self._begin("", "")

    def saw(self, address: str, verdict: Verdict) -> None:
        """Take note of what became of one mail."""
        words = _alike(verdict.words, address)
        with self._lock:
            if self._stuck or not (words or verdict.answer is Answer.ACCEPTED):
                return
            if words != self._words:
                self._begin(words, verdict.words)
            if words:
                self._addresses.add(address)

    def stop(self, server: object) -> Verdict | None:
        """The verdict for all that are not handed over yet, where the send has to stop."""
        with self._lock:
            return self._verdict(server) if self._stuck else None

    def settled(self, server: object, address: str, verdict: Verdict) -> Verdict:
        """The verdict at the end of its batch: a refusal counts only if it was no row of them."""
        with self._lock:
            alike = bool(verdict.words) and _alike(verdict.words, address) == self._words
            if alike and self._stuck:
                return self._verdict(server)
            if alike:
                self._recorded.add(address)
            return verdict

    @property
    def _stuck(self) -> bool:
        few = MANY if _WRONG_ADDRESS.match(self._said) else FEW
        return len(self._addresses) >= few

    def _begin(self, words: str, said: str) -> None:
        self._words, self._said = words, said
        self._addresses, self._recorded = set(), set()

    def _verdict(self, server: object) -> Verdict:
        reason = (
            f"{server} refused {len(self._addresses)} readers in a row in the same words: "
            f"{self._said}"
        )
        earlier = len(self._recorded & self._addresses)
        recorded = f" The first {earlier} of them stand in the receipt as rejected." * bool(earlier)
        pause = (
            f"{reason.rstrip('.')}. That is seldom about the readers: ask the server's operator "
            f"whether you have reached a limit or are blocked.{recorded} If these addresses are "
            f"really gone, take them off with: newsletter subscribers remove ADDRESS."
        )
        return Verdict(Answer.NOT_SENT, reason, pause=pause)


def _alike(words: str, address: str) -> str:
    """The words without what is of this mail alone: the address, and numbers of a queue."""
    if not words:
        return ""
    same = re.sub(re.escape(address), "…", words, flags=re.IGNORECASE)
    return _NUMBER_OF_ITS_OWN.sub("#", same)
