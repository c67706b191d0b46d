"""Batches in doubt: held for a person, settled by an event, or sent again on purpose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select, update

from newsletter.store.bulk import chunks
from newsletter.store.schema import batches, deliveries
from newsletter.store.sends import BatchState, DeliveryState
from newsletter.store.transitions import OPEN, close_batch, is_batch, move_deliveries, plan_batches

LEASED = (BatchState.CLAIMED, BatchState.SUBMITTING, BatchState.RECALLING)  # under a lease
DOUBTFUL = (BatchState.UNKNOWN, BatchState.RECALLING, BatchState.HELD)
# Runs before every request.
_UNKNOWN = select(batches.c.number).where(
    batches.c.send_id == bindparam("send"), batches.c.state == BatchState.UNKNOWN
)


def unknown_batches(connection: Connection, send_id: int) -> list[int]:
    """The numbers of the batches in doubt that nothing has settled yet."""
    return list(connection.scalars(_UNKNOWN, {"send": send_id}))


def hold(
    connection: Connection, send_id: int, now: datetime, only: Collection[int] | None = None
) -> None:
    """UNKNOWN → HELD, except for batches to recall later. An event or a person settles the rest.

    ``only``: hold only these batches, which were unknown before the attempt to recall or resend
    them. In PostgreSQL a transaction may see more of them later.
    """
    if only is not None and not only:
        return
    due = (
        select(batches.c.number)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.UNKNOWN)
        .where(or_(batches.c.not_before.is_(None), batches.c.not_before <= now))
    )
    if only is not None:
        due = due.where(batches.c.number.in_(only))
    connection.execute(
        update(batches)
        .where(batches.c.send_id == send_id)
        .where(batches.c.number.in_(_unlocked(connection, due)))
        .values(state=BatchState.HELD, changed_at=now)
    )


def held_batches(connection: Connection, send_id: int) -> list[tuple[int, int, str]]:
    """The batches that are held: number, readers in doubt, reason."""
    held = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state == BatchState.HELD
    )
    rows = connection.execute(
        select(deliveries.c.batch, func.count(), func.min(batches.c.reason))
        .join(batches, and_(batches.c.send_id == send_id, batches.c.number == deliveries.c.batch))
        .where(deliveries.c.send_id == send_id, deliveries.c.state == DeliveryState.IN_DOUBT)
        .where(deliveries.c.batch.in_(held))  # few or none, which spares a scan
        .group_by(deliveries.c.batch)
        .order_by(deliveries.c.batch)
    )
    return [(number, count, reason or "") for number, count, reason in rows]


def resolve(
    connection: Connection, send_id: int, number: int, *, sent: bool, now: datetime
) -> int | None:
    """Apply a person's decision on a held batch: count it as sent, or send it again.

    Returns the number of its readers; None if no such batch is held.
    """
    reason = "counted as sent by a person" if sent else "sent again by a person"
    if not _close(connection, send_id, number, (BatchState.HELD,), sent, reason, now):
        return None
    if not sent:
        return plan_doubtful(connection, send_id, number, now)
    return move_deliveries(
        connection, send_id, number, DeliveryState.IN_DOUBT, DeliveryState.ACCEPTED
    )


def resolve_all(
    connection: Connection, send_id: int, *, sent: bool, now: datetime
) -> dict[int, int]:
    """Apply the same decision to every held batch. Returns batch number → readers."""
    held = (
        select(batches.c.number)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.HELD)
        .order_by(batches.c.number)
        .with_for_update()  # lock all before changing one, in the order of other writers
    )
    return {
        number: settled
        for number in connection.scalars(held).all()
        if (settled := resolve(connection, send_id, number, sent=sent, now=now))
    }


def resend_unknown(connection: Connection, send_id: int, now: datetime) -> int:
    """Plan all batches in doubt again, although readers may get two mails; returns how many.

    A batch in doubt for the second time stays in doubt: no reader gets three.
    """
    first_time = (
        select(batches.c.number)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.UNKNOWN)
        .where(~batches.c.repeated)
    )
    numbers = _unlocked(connection, first_time)
    reason = "sent again although it may have gone out"
    states = (BatchState.UNKNOWN,)
    return sum(
        plan_doubtful(connection, send_id, number, now, repeated=True)
        for number in numbers
        if _close(connection, send_id, number, states, False, reason, now)
    )


def plan_doubtful(
    connection: Connection, send_id: int, number: int, now: datetime, *, repeated: bool = False
) -> int:
    """Plan the readers in doubt of a closed batch again; returns how many."""
    doubtful = list(
        connection.scalars(
            select(deliveries.c.id)
            .where(deliveries.c.send_id == send_id, deliveries.c.batch == number)
            .where(deliveries.c.state == DeliveryState.IN_DOUBT)
        )
    )
    move_deliveries(connection, send_id, number, DeliveryState.IN_DOUBT, DeliveryState.WAITING)
    plan_batches(connection, send_id, doubtful, now, repeated=repeated)
    return len(doubtful)


def unsettled_among(
    connection: Connection, send_id: int, numbers: Collection[int], ids: Collection[int]
) -> tuple[set[int], set[int]]:
    """The batches (``numbers``) and deliveries (``ids``) that an event can still settle."""
    doubtful = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state.in_(DOUBTFUL)
    )
    waiting = select(deliveries.c.id).where(
        deliveries.c.send_id == send_id,
        deliveries.c.state.in_((*OPEN, DeliveryState.EXCLUDED)),
    )
    unsettled: set[int] = set()
    for chunk in chunks(ids):
        unsettled.update(connection.scalars(waiting.where(deliveries.c.id.in_(chunk))))
    return set(connection.scalars(doubtful)) & set(numbers), unsettled


def settle_by_event(
    connection: Connection, send_id: int, number: int, delivery: int, now: datetime, *, left: bool
) -> int:
    """Settle a batch by a provider event about one of its deliveries; returns how many readers.

    The event proves that the provider took the whole request. ``left``: it also proves that the
    mail went out. Only then does it count for a batch that was recalled, or that may still be: a
    delivery planned again is not sent again, and one excluded with its batch counts as accepted.
    """
    reason = "an event of the provider tells"
    settled = 0
    if _close(connection, send_id, number, DOUBTFUL, True, reason, now, even_recalled=left):
        settled = move_deliveries(
            connection, send_id, number, DeliveryState.IN_DOUBT, DeliveryState.ACCEPTED
        )
    recallable = or_(batches.c.recalled_at.is_not(None), batches.c.state.in_(LEASED))
    may_be_recalled = select(batches.c.number).where(is_batch(send_id, number), recallable)
    if not left and connection.scalar(may_be_recalled) is not None:
        return settled
    states = (*OPEN, DeliveryState.EXCLUDED) if left else OPEN
    accepted = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery, deliveries.c.send_id == send_id)
        .where(deliveries.c.state.in_(states))
        .values(state=DeliveryState.ACCEPTED, reason=None)
    )
    return settled + int(accepted.rowcount)


def has_unsettled(connection: Connection, send_id: int) -> bool:
    """Whether a batch is planned, under a lease, or in doubt and not held."""
    states = (BatchState.PLANNED, BatchState.UNKNOWN, *LEASED)
    unsettled = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state.in_(states)
    )
    return connection.scalar(unsettled.limit(1)) is not None


def is_in_progress(connection: Connection, send_id: int, now: datetime) -> bool:
    """Whether some process works on the send: it holds a batch whose lease has not ended."""
    under_lease = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state.in_(LEASED), batches.c.lease_until > now
    )
    return connection.scalar(under_lease.limit(1)) is not None


def next_due(connection: Connection, send_id: int) -> datetime | None:
    """When there may be work again: a lease ends, a batch may be retried, or one is in doubt."""
    retried = and_(batches.c.state == BatchState.PLANNED, batches.c.not_before.is_not(None))
    rows = connection.execute(
        select(
            batches.c.state,
            batches.c.lease_until,
            func.coalesce(batches.c.not_before, batches.c.changed_at).label("not_before"),
        )
        .where(batches.c.send_id == send_id)
        .where(or_(batches.c.state.in_((*LEASED, BatchState.UNKNOWN)), retried))
    )
    return min((r.lease_until if r.state in LEASED else r.not_before for r in rows), default=None)


def _unlocked(connection: Connection, query: Select[tuple[int]]) -> list[int]:
    """Lock the selected batches that no other transaction holds. Waiting for one could deadlock."""
    return list(connection.scalars(query.with_for_update(skip_locked=True)))


def _close(
    connection: Connection,
    send_id: int,
    number: int,
    states: Sequence[BatchState],
    sent: bool,
    reason: str,
    now: datetime,
    *,
    even_recalled: bool = True,
) -> bool:
    """Close a batch that is in one of the states; False if it is not.

    A late answer to the old request changes nothing from then on.
    """
    condition = and_(is_batch(send_id, number), batches.c.state.in_(states))
    if not even_recalled:
        condition = and_(condition, batches.c.recalled_at.is_(None))
    closed = connection.execute(update(batches).where(condition).values(fence=batches.c.fence + 1))
    if closed.rowcount != 1:
        return False
    state = BatchState.ACCEPTED if sent else BatchState.REFUSED
    close_batch(connection, send_id, number, state, now, reason)
    return True
