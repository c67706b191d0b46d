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
    by_send: dict[int, list[Event]] = {}
    for event in events:
        by_send.setdefault(event.send, []).append(event)
    settled = 0
    for send_id, told in sorted(by_send.items()):
        found = sends.origin(connection, send_id)
        ours = (slug(found[0]), found[1]) if found else None
        mine = [event for event in told if event.origin == ours]
        # Nearly all are about readers of whom everything is known.
        batches, deliveries = doubt.open_among(
            connection, send_id, {e.batch for e in mine}, {e.delivery for e in mine}
        )
        # In one order, so that two requests with the same events do not wait for each other.
        for event in sorted(mine, key=lambda e: (e.batch, e.delivery)):
            if event.batch in batches or event.delivery in deliveries:
                left = event.kind in LEFT
                settled += doubt.witnessed(
                    connection, send_id, event.batch, event.delivery, now, left=left
                )
    return settled
