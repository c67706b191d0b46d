"""What a provider reports of a mail: states that only move forward, and what follows from it."""

from __future__ import annotations

from enum import IntEnum


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
