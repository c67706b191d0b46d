"""Pausing and cancelling a send. What is being handed over meanwhile still gets its answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from newsletter.store.schema import batches, deliveries
from newsletter.store.sends import BatchState, DeliveryState, SendState, set_state

CANCELLED = "the send was cancelled before its turn"
_NOT_BEGUN = (BatchState.PLANNED, BatchState.CLAIMED)


def pause(connection: Connection, send_id: int, why: str, now: datetime) -> bool:
    """No further batch is claimed until somebody goes on with it. False: it does not go."""
    return set_state(connection, send_id, SendState.PAUSED, now, why, only_from=SendState.SENDING)


def cancel(connection: Connection, send_id: int, now: datetime) -> int:
    """Whoever still waits is excluded; how many. May be repeated: others may add to them."""
    # The batches before the send, as whoever begins a request: so none waits for the other.
    connection.execute(
        update(batches)
        .where(batches.c.send_id == send_id, batches.c.state.in_(_NOT_BEGUN))
        .values(
            state=BatchState.REFUSED,
            fence=batches.c.fence + 1,  # who has claimed it can not start it any more
            owner=None,
            lease_until=None,
            reason=CANCELLED,
            changed_at=now,
        )
    )
    set_state(connection, send_id, SendState.CANCELLED, now)
    closed = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state == BatchState.REFUSED
    )
    excluded = connection.execute(
        update(deliveries)
        .where(deliveries.c.send_id == send_id, deliveries.c.state == DeliveryState.WAITING)
        .where(deliveries.c.batch.in_(closed))
        .values(state=DeliveryState.EXCLUDED, reason=CANCELLED)
    )
    return int(excluded.rowcount)
