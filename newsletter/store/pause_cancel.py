"""Pause or cancel a send. Requests in progress still get their answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from newsletter.store.schema import batches, deliveries
from newsletter.store.sends import BatchState, DeliveryState, SendState, set_state

CANCELLED = "the send was cancelled before its turn"
_NOT_BEGUN = (BatchState.PLANNED, BatchState.CLAIMED)


def pause(connection: Connection, send_id: int, reason: str, now: datetime) -> bool:
    """Let no batch be claimed until a person resumes the send; False if it is not sending."""
    return set_state(
        connection, send_id, SendState.PAUSED, now, reason, only_from=SendState.SENDING
    )


def cancel(connection: Connection, send_id: int, now: datetime) -> int:
    """Exclude the readers who wait; returns how many. Call it again if more were planned since."""
    # Lock the batches before the send, as the start of a request does, to avoid a deadlock.
    connection.execute(
        update(batches)
        .where(batches.c.send_id == send_id, batches.c.state.in_(_NOT_BEGUN))
        .values(
            state=BatchState.REFUSED,
            fence=batches.c.fence + 1,  # the process that claimed it cannot start it any more
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
