"""Who gets it: recipients, what a provider answers, and the receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from newsletter.model.issue_name import IssueName


@dataclass(slots=True)  # not frozen: a send makes a million of them, and those are slow to make
class Recipient:
    """One person in a request to the provider. ``tokens``: what replaces each token for them."""

    delivery: int
    email: str
    name: str
    unsubscribe_url: str
    tokens: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Send:
    """The frozen content of one issue to one list, as a provider gets it."""

    issue: IssueName | None  # None: a mail about a sign-up
    newsletter: str
    list: str
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    hash: str
    sender: str  # "Name <address>"
    reply_to: str | None
    test: bool = False
    alert: str = ""  # not empty: a word to one person, which belongs to no list
    id: int = 0
    batch: int = 0
    send_at: datetime | None = None  # when the provider lets it go; None: at once
    recall_id: str | None = None  # the provider takes this batch back by it

    @property
    def about(self) -> str:
        """What the mail is about: the name of its issue, or ``signup``."""
        return str(self.issue or "signup")


class Answer(StrEnum):
    """What became of one recipient of a request."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # this address will never be taken
    NOT_SENT = "not sent"  # surely nothing was handed over: may be tried again
    UNKNOWN = "unknown"  # perhaps handed over: never tried again by itself


@dataclass(frozen=True)
class Outcome:
    """What the provider answered for a batch: one answer for every delivery in it.

    ``reasons`` explains answers other than ACCEPTED, by delivery. ``pause`` says why the whole
    send must stop (a refused key); ``retry_after`` is in seconds, and with ``throttled`` it holds
    for every further request; ``split`` asks for smaller requests.
    """

    answers: Mapping[int, Answer]
    reasons: Mapping[int, str] = field(default_factory=dict)
    reference: str | None = None
    retry_after: float | None = None
    throttled: bool = False
    pause: str | None = None
    split: bool = False

    @classmethod
    def all(
        cls, batch: Iterable[Recipient], answer: Answer, reason: str = "", **more: Any
    ) -> Outcome:
        """The same answer for everyone in the batch."""
        ids = [recipient.delivery for recipient in batch]
        reasons = dict.fromkeys(ids, reason) if reason else {}
        return cls(dict.fromkeys(ids, answer), reasons, **more)

    def but(self, **changes: Any) -> Outcome:
        """This outcome with some fields changed."""
        return replace(self, **changes)

    def rejecting(self, reasons: Mapping[int, str]) -> Outcome:
        """This outcome with the deliveries in ``reasons`` REJECTED, each for its reason."""
        rejected = dict.fromkeys(reasons, Answer.REJECTED)
        return self.but(answers={**self.answers, **rejected}, reasons={**self.reasons, **reasons})

    def storable(self) -> Outcome:
        """This outcome in text that any database takes, whatever a server has said."""
        return replace(
            self,
            reasons={number: _storable(reason) for number, reason in self.reasons.items()},
            reference=self.reference and _storable(self.reference)[:_LONGEST_REFERENCE],
            pause=self.pause and _storable(self.pause),
        )


_LONGEST_REFERENCE = 200  # characters, as the ledger's column has it


def _storable(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and without halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


class Doubt(StrEnum):
    """What becomes of readers who may have got the mail or not."""

    RECALL = "recall"  # hand over ahead, take back what is in doubt, hand it over again
    HOLD = "hold"  # a person decides
    RESEND = "resend"  # send again: readers may get two


@dataclass(frozen=True)
class Recall:
    """What came of asking a provider to drop a batch. ``again``: it may be asked once more."""

    confirmed: bool
    reason: str = ""
    again: bool = False


@dataclass(frozen=True)
class Receipt:
    """Who got an issue, in numbers. ``eligible`` is always the sum of the other five."""

    issue: IssueName
    state: str
    eligible: int
    accepted: int
    excluded: int
    rejected: int
    in_doubt: int
    waiting: int
    reason: str | None = None
    send_at: datetime | None = None
