"""What a provider reports of a mail: events, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class Reported(IntEnum):
    """What became of a delivery once the provider had it: of two reports the greater counts.

    So the order in which they come does not matter. A mail that was dropped may have gone out by
    another request; one that was delivered may come back all the same, hours later.
    """

    PROCESSED = 1
    DEFERRED = 2  # the reader's server asks to try later
    DROPPED = 3  # the provider has not even tried
    DELIVERED = 4
    BLOCKED = 5  # came back, but the address may be good: a full mailbox, a refused server
    BOUNCED = 6  # came back for good

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower()


class Consequence(IntEnum):
    """What an event means for whether the person may be mailed; of two the greater counts."""

    NONE = 0
    SOFT = 1  # a soft bounce: suppressed after several issues in a row
    LEAVES = 2  # unsubscribed, on the list of the mail
    BOUNCED = 3  # suppressed, on every list
    COMPLAINED = 4  # suppressed, on every list


class EventKind(StrEnum):
    """What an event says has happened. Its value is what stands in the database."""

    PROCESSED = "processed"  # the provider has the mail
    DEFERRED = "deferred"  # the reader's server asks to try later
    DROPPED = "dropped"  # the provider has not even tried; see ``Event.dropped_for``
    DELIVERED = "delivered"
    SOFT_BOUNCED = "soft_bounce"  # came back, but the address may be good
    BOUNCED = "bounce"  # came back for good; of soft ones, too, in rows of older versions
    COMPLAINED = "spamreport"  # the reader called it spam
    UNSUBSCRIBED = "unsubscribe"  # by the provider's own link
    OPENED = "open"
    CLICKED = "click"
    OTHER = "other"  # anything else; see ``Event.word``

    @property
    def reported(self) -> Reported | None:
        """What becomes of the delivery; None where it stays as it is."""
        return _REPORTED.get(self)

    @property
    def consequence(self) -> Consequence:
        """What it means for the reader."""
        return _CONSEQUENCES.get(self, Consequence.NONE)


_REPORTED = {
    EventKind.PROCESSED: Reported.PROCESSED,
    EventKind.DEFERRED: Reported.DEFERRED,
    EventKind.DROPPED: Reported.DROPPED,
    EventKind.DELIVERED: Reported.DELIVERED,
    EventKind.SOFT_BOUNCED: Reported.BLOCKED,
    EventKind.BOUNCED: Reported.BOUNCED,
}
_CONSEQUENCES = {
    EventKind.SOFT_BOUNCED: Consequence.SOFT,
    EventKind.BOUNCED: Consequence.BOUNCED,
    EventKind.COMPLAINED: Consequence.COMPLAINED,
    EventKind.UNSUBSCRIBED: Consequence.LEAVES,
}


@dataclass(frozen=True)
class Event:
    """What a provider reports later about a mail."""

    id: str
    """The provider's own: the same event is the same id, and counts once."""
    kind: EventKind
    delivery: int
    """As ``message.read_ids`` gives it, with the next three; 0 where only ``email`` says who."""
    at: datetime
    """When it happened, with a time zone."""
    batch: int = 0
    send: int = 0
    origin: tuple[str, str] = ("", "")
    """The newsletter, as its slug, and the issue."""
    email: str = field(default="", repr=False)
    """The reader's address: counts only where no delivery is named."""
    link: str | None = None
    """The address that was CLICKED."""
    machine: bool = False
    """Surely no person has OPENED or CLICKED: a scanner, or a program that fetches pictures."""
    dropped_for: EventKind | None = None
    """Of DROPPED: what had happened to the address, such as BOUNCED, where the provider says it."""
    word: str = ""
    """What the provider itself calls the event, where the kind is OTHER."""
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What the provider says beyond that, as JSON has it; the server's answer to a bounce."""

    @property
    def consequence(self) -> Consequence:
        """What it means for the reader."""
        return (self.dropped_for or self.kind).consequence
