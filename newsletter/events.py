"""What a provider reports later: an event proves that its request was taken, and settles doubt."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from newsletter.model import Event
from newsletter.providers import slug
from newsletter.store import Connection, doubt, sends

# Kinds that there are only once a mail has left the provider; "processed" may come before.
LEFT = frozenset(("delivered", "deferred", "bounce", "open", "click", "spamreport", "unsubscribe"))


def settle(connection: Connection, events: Iterable[Event], now: datetime) -> int:
    """Settle what the events tell; how many readers that were in doubt, or waited, have the mail.

    Events may come twice, late and in any order. Those about the sends of another database, which
    may share the provider's account, change nothing.
    """
    settled = 0
    ours: dict[int, tuple[str, str] | None] = {}
    for event in events:
        if event.send not in ours:
            found = sends.origin(connection, event.send)
            ours[event.send] = (slug(found[0]), found[1]) if found else None
        if ours[event.send] == event.origin:
            left = event.kind in LEFT
            settled += doubt.witnessed(
                connection, event.send, event.batch, event.delivery, now, left=left
            )
    return settled
