"""Whether somebody may be mailed."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What a person is on a list, from the laxest to the strictest: of two the greater counts.

    Only who is active is mailed. From BLOCKED on the address is suppressed as well, on every list.
    """

    ACTIVE = 0
    PENDING = 1  # has not confirmed
    UNSUBSCRIBED = 2
    BLOCKED = 3
    BOUNCED = 4
    COMPLAINED = 5

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower()

    @property
    def suppresses(self) -> bool:
        """Whether the address is never to be mailed, whatever the list."""
        return self >= Status.BLOCKED
