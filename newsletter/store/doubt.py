"""What is in doubt, and how it ends: by a person's word, by an event, or sent again on purpose."""

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
# Asked before every request.
_UNKNOWN = select(batches.c.number).where(
    batches.c.send_id == bindparam("send"), batches.c.state == BatchState.UNKNOWN
)


def unknown_batches(connection: Connection, send_id: int) -> list[int]:
    """The batches of which nobody has decided yet what becomes of them."""
    return list(connection.scalars(_UNKNOWN, {"send": send_id}))


def hold(
    connection: Connection, send_id: int, now: datetime, seen: Collection[int] | None = None
) -> None:
    """UNKNOWN → HELD, but for what is to be recalled later; an event or a person settles it.

    ``seen``: no others than these, which were there before it was tried to recall them or to send
    them again; in PostgreSQL more can come to them within one transaction.
    """
    if seen is not None and not seen:
        return
    due = (
        select(batches.c.number)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.UNKNOWN)
        .where(or_(batches.c.not_before.is_(None), batches.c.not_before <= now))
    )
    if seen is not None:
        due = due.where(batches.c.number.in_(seen))
    connection.execute(
        update(batches)
        .where(batches.c.send_id == send_id)
        .where(batches.c.number.in_(_not_in_use(connection, due)))
        .values(state=BatchState.HELD, changed_at=now)
    )


def held_batches(connection: Connection, send_id: int) -> list[tuple[int, int, str]]:
    """The batches that are held: number, readers in doubt, why."""
    those = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state == BatchState.HELD
    )
    rows = connection.execute(
        select(deliveries.c.batch, func.count(), func.min(batches.c.reason))
        .join(batches, and_(batches.c.send_id == send_id, batches.c.number == deliveries.c.batch))
        .where(deliveries.c.send_id == send_id, deliveries.c.state == DeliveryState.IN_DOUBT)
        .where(deliveries.c.batch.in_(those))  # few, or none: not all deliveries are looked at
        .group_by(deliveries.c.batch)
        .order_by(deliveries.c.batch)
    )
    return [(number, count, reason or "") for number, count, reason in rows]


def resolve(
    connection: Connection, send_id: int, number: int, *, sent: bool, now: datetime
) -> int | None:
    """A person's word on a held batch: it counts as sent, or goes out again in a new batch.

    How many readers that was; None where no such batch is held.
    """
    why = "counted as sent by a person" if sent else "sent again by a person"
    if not _let_go(connection, send_id, number, (BatchState.HELD,), sent, why, now):
        return None
    if not sent:
        return plan_doubtful(connection, send_id, number, now)
    return move_deliveries(
        connection, send_id, number, DeliveryState.IN_DOUBT, DeliveryState.ACCEPTED
    )


def resolve_all(
    connection: Connection, send_id: int, *, sent: bool, now: datetime
) -> dict[int, int]:
    """The same word on every batch that is held; how many readers each settles."""
    chosen = (
        select(batches.c.number)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.HELD)
        .order_by(batches.c.number)
        .with_for_update()  # of all before the first: as whoever else changes some of them
    )
    return {
        number: settled
        for number in connection.scalars(chosen).all()
        if (settled := resolve(connection, send_id, number, sent=sent, now=now))
    }


def resend_unknown(connection: Connection, send_id: int, now: datetime) -> int:
    """Send everything that is in doubt once more, knowing that readers may get two; how many.

    What is in doubt for the second time stays so: nobody gets three.
    """
    once = (
        select(batches.c.number)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.UNKNOWN)
        .where(~batches.c.repeated)
    )
    doubtful = _not_in_use(connection, once)
    why = "sent again although it may have gone out"
    states = (BatchState.UNKNOWN,)
    return sum(
        plan_doubtful(connection, send_id, number, now, repeated=True)
        for number in doubtful
        if _let_go(connection, send_id, number, states, False, why, now)
    )


def plan_doubtful(
    connection: Connection, send_id: int, number: int, now: datetime, *, repeated: bool = False
) -> int:
    """Plan the readers in doubt of a closed batch anew; how many."""
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
    """The batches and the deliveries among these about which an event may tell something new."""
    doubtful = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state.in_(DOUBTFUL)
    )
    waiting = select(deliveries.c.id).where(
        deliveries.c.send_id == send_id,
        deliveries.c.state.in_((*OPEN, DeliveryState.EXCLUDED)),
    )
    found: set[int] = set()
    for some in chunks(ids):
        found.update(connection.scalars(waiting.where(deliveries.c.id.in_(some))))
    return set(connection.scalars(doubtful)) & set(numbers), found


def settle_by_event(
    connection: Connection, send_id: int, number: int, delivery: int, now: datetime, *, left: bool
) -> int:
    """A provider's event about a delivery proves that its request was taken, as a whole.

    How many readers that settles. ``left``: the mail has surely gone out; only then does it count
    for a batch that was taken back, or is asked to be, or may be once its answer is lost: a
    delivery that waits anew is not sent again then, and one left out with its batch has got it
    after all.
    """
    why = "an event of the provider tells"
    settled = 0
    if _let_go(connection, send_id, number, DOUBTFUL, True, why, now, even_recalled=left):
        settled = move_deliveries(
            connection, send_id, number, DeliveryState.IN_DOUBT, DeliveryState.ACCEPTED
        )
    open_ = or_(batches.c.recalled_at.is_not(None), batches.c.state.in_(LEASED))
    may_be_taken_back = select(batches.c.number).where(is_batch(send_id, number), open_)
    if not left and connection.scalar(may_be_taken_back) is not None:
        return settled
    states = (*OPEN, DeliveryState.EXCLUDED) if left else OPEN
    one = connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery, deliveries.c.send_id == send_id)
        .where(deliveries.c.state.in_(states))
        .values(state=DeliveryState.ACCEPTED, reason=None)
    )
    return settled + int(one.rowcount)


def has_unsettled(connection: Connection, send_id: int) -> bool:
    """Whether a batch is still planned, in some process's hands, or to be looked at."""
    states = (BatchState.PLANNED, BatchState.UNKNOWN, *LEASED)
    open_ = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state.in_(states)
    )
    return connection.scalar(open_.limit(1)) is not None


def is_in_progress(connection: Connection, send_id: int, now: datetime) -> bool:
    """Whether a process is at work on the send: it has a batch, and its lease goes on."""
    under_lease = select(batches.c.number).where(
        batches.c.send_id == send_id, batches.c.state.in_(LEASED), batches.c.lease_until > now
    )
    return connection.scalar(under_lease.limit(1)) is not None


def next_due(connection: Connection, send_id: int) -> datetime | None:
    """When there may be something to do again: a lease that ends, a batch that may be retried,
    or one that is in doubt since we looked.
    """
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


def _not_in_use(connection: Connection, chosen: Select[tuple[int]]) -> list[int]:
    """Those of the batches that no other transaction is changing: nobody waits for them, so that
    two who each have what the other wants cannot come to be.
    """
    return list(connection.scalars(chosen.with_for_update(skip_locked=True)))


def _let_go(
    connection: Connection,
    send_id: int,
    number: int,
    states: Sequence[BatchState],
    sent: bool,
    why: str,
    now: datetime,
    *,
    even_recalled: bool = True,
) -> bool:
    """Close a batch in one of the states; a late answer of the old attempt changes nothing now."""
    chosen = and_(is_batch(send_id, number), batches.c.state.in_(states))
    if not even_recalled:
        chosen = and_(chosen, batches.c.recalled_at.is_(None))
    freed = connection.execute(update(batches).where(chosen).values(fence=batches.c.fence + 1))
    if freed.rowcount != 1:
        return False
    state = BatchState.ACCEPTED if sent else BatchState.REFUSED
    close_batch(connection, send_id, number, state, now, why)
    return True
