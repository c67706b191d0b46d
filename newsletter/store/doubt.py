"""What is in doubt: it is held for a person, who says what becomes of it; and what still waits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select, update

from newsletter.model import Outcome
from newsletter.store.ledger import mark, plan_again, this
from newsletter.store.schema import batches, deliveries
from newsletter.store.sends import BatchState, DeliveryState

OPEN = (BatchState.CLAIMED, BatchState.SUBMITTING)


def hold(connection: Connection, send_id: int, now: datetime) -> None:
    """UNKNOWN → HELD: nothing settles them by itself."""
    connection.execute(
        update(batches)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.UNKNOWN)
        .values(state=BatchState.HELD, changed_at=now)
    )


def held(connection: Connection, send_id: int) -> list[tuple[int, int]]:
    """The batches that are held: number, readers in doubt."""
    rows = connection.execute(
        select(deliveries.c.batch, func.count())
        .join(batches, and_(batches.c.send_id == send_id, batches.c.number == deliveries.c.batch))
        .where(deliveries.c.send_id == send_id, deliveries.c.state == DeliveryState.IN_DOUBT)
        .where(batches.c.state == BatchState.HELD)
        .group_by(deliveries.c.batch)
        .order_by(deliveries.c.batch)
    )
    return [(number, count) for number, count in rows]


def resolve(
    connection: Connection, send_id: int, number: int, *, sent: bool, now: datetime
) -> int | None:
    """A person's word on a held batch: it counts as sent, or goes out again in a new batch.

    How many readers that was; None where no such batch is held.
    """
    freed = connection.execute(
        update(batches)
        .where(this(send_id, number), batches.c.state == BatchState.HELD)
        .values(
            state=BatchState.ACCEPTED if sent else BatchState.REFUSED,
            fence=batches.c.fence + 1,  # a late answer of the old attempt changes nothing now
            reason="counted as sent by a person" if sent else "sent again by a person",
            changed_at=now,
        )
    )
    if freed.rowcount != 1:
        return None
    doubtful = list(
        connection.scalars(
            select(deliveries.c.id)
            .where(deliveries.c.send_id == send_id, deliveries.c.batch == number)
            .where(deliveries.c.state == DeliveryState.IN_DOUBT)
        )
    )
    state = DeliveryState.ACCEPTED if sent else DeliveryState.WAITING
    mark(connection, doubtful, state, {})
    if not sent:
        plan_again(connection, send_id, doubtful, Outcome({}), now)
    return len(doubtful)


def next_moment(connection: Connection, send_id: int) -> datetime | None:
    """When there may be something to do again: a lease that ends, a batch that may be retried."""
    waiting = or_(
        batches.c.state.in_(OPEN),
        and_(batches.c.state == BatchState.PLANNED, batches.c.not_before.is_not(None)),
    )
    rows = connection.execute(
        select(batches.c.state, batches.c.lease_until, batches.c.not_before).where(
            batches.c.send_id == send_id, waiting
        )
    )
    return min((r.lease_until if r.state in OPEN else r.not_before for r in rows), default=None)


def progress(connection: Connection, send_id: int) -> dict[str, int]:
    """How many deliveries are in each state."""
    rows = connection.execute(
        select(deliveries.c.state, func.count())
        .where(deliveries.c.send_id == send_id)
        .group_by(deliveries.c.state)
    )
    return {state: int(count) for state, count in rows}
