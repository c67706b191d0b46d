"""The ledger of a send: claims, leases and outcomes, so that nobody gets it twice.

A batch is claimed by compare-and-set on its fence. What may have reached the provider without an
answer (a lease that ended in SUBMITTING) is in doubt, and never goes out again by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from newsletter.model import Answer, Outcome
from newsletter.store.schema import batches, deliveries, subscribers, subscriptions, suppressions
from newsletter.store.sends import BatchState, DeliveryState
from newsletter.store.subscribers import ACTIVE

LEASE = timedelta(seconds=90)  # longer than any provider's time limit for one request

_MARK = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("number"))
    .values(state=bindparam("new"), reason=bindparam("why"))
)
_MOVE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("number"))
    .values(batch=bindparam("batch_number"))
)


@dataclass(frozen=True)
class Reader:
    """One waiting delivery of a claimed batch."""

    delivery: int
    subscriber: int
    email: str
    name: str


@dataclass(frozen=True)
class Claim:
    """One batch in our hands, until the lease ends."""

    send_id: int
    number: int
    fence: int
    readers: tuple[Reader, ...]


def claim(
    connection: Connection, send_id: int, list_id: int, owner: str, now: datetime
) -> Claim | None:
    """Take the next planned batch; None where nothing can be taken now.

    Who was suppressed, erased or has unsubscribed since the freeze is excluded here.
    """
    while True:
        row = connection.execute(
            select(batches.c.number, batches.c.fence)
            .where(batches.c.send_id == send_id, batches.c.state == BatchState.PLANNED)
            .where(or_(batches.c.not_before.is_(None), batches.c.not_before <= now))
            .order_by(batches.c.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        taken = connection.execute(
            update(batches)
            .where(this(send_id, row.number), batches.c.fence == row.fence)
            .where(batches.c.state == BatchState.PLANNED)
            .values(
                state=BatchState.CLAIMED,
                fence=row.fence + 1,
                owner=owner,
                lease_until=now + LEASE,
                changed_at=now,
            )
        )
        if taken.rowcount != 1:
            continue
        readers = _readers(connection, send_id, row.number, list_id)
        if readers:
            return Claim(send_id, row.number, row.fence + 1, readers)
        connection.execute(close(send_id, row.number, BatchState.REFUSED, now))


def start(connection: Connection, held: Claim, now: datetime) -> bool:
    """CLAIMED → SUBMITTING; to be committed before the first byte. False: it is not ours now."""
    started = connection.execute(
        update(batches)
        .where(this(held.send_id, held.number), batches.c.fence == held.fence)
        .where(batches.c.state == BatchState.CLAIMED)
        .values(state=BatchState.SUBMITTING, lease_until=now + LEASE, changed_at=now)
    )
    return started.rowcount == 1


def record(connection: Connection, held: Claim, outcome: Outcome, now: datetime) -> bool:
    """Write down what the provider answered; False where the claim is not ours any more.

    An answer that comes after the lease still counts: nobody has taken the batch since.
    """
    states = (BatchState.SUBMITTING, BatchState.UNKNOWN, BatchState.HELD)
    mine = connection.execute(
        update(batches)
        .where(this(held.send_id, held.number), batches.c.fence == held.fence)
        .where(batches.c.state.in_(states))
        .values(reference=outcome.reference, changed_at=now)
    )
    if mine.rowcount != 1:
        return False
    ids: dict[Answer, list[int]] = {answer: [] for answer in Answer}
    for reader in held.readers:
        ids[outcome.answers.get(reader.delivery, Answer.UNKNOWN)].append(reader.delivery)
    mark(connection, ids[Answer.ACCEPTED], DeliveryState.ACCEPTED, {})
    mark(connection, ids[Answer.REJECTED], DeliveryState.REJECTED, outcome.reasons)
    mark(connection, ids[Answer.UNKNOWN], DeliveryState.IN_DOUBT, outcome.reasons)
    mark(connection, ids[Answer.NOT_SENT], DeliveryState.WAITING, {})
    plan_again(connection, held.send_id, ids[Answer.NOT_SENT], outcome, now)
    state = BatchState.ACCEPTED if ids[Answer.ACCEPTED] else BatchState.REFUSED
    if doubtful := ids[Answer.UNKNOWN]:
        state = BatchState.UNKNOWN
    reason = next(iter(outcome.reasons.values()), None)
    if doubtful:
        reason = outcome.reasons.get(doubtful[0], reason)
    connection.execute(close(held.send_id, held.number, state, now, reason))
    return True


def expire(connection: Connection, send_id: int, now: datetime) -> list[int]:
    """Let go of what a dead process held; the numbers of the batches that are in doubt by it."""
    ended = and_(batches.c.send_id == send_id, batches.c.lease_until <= now)
    connection.execute(
        update(batches)
        .where(ended, batches.c.state == BatchState.CLAIMED)
        .values(state=BatchState.PLANNED, owner=None, lease_until=None, changed_at=now)
    )
    doubtful = list(
        connection.scalars(
            select(batches.c.number).where(ended, batches.c.state == BatchState.SUBMITTING)
        )
    )
    reason = "the program stopped while it was handing this over"
    for number in doubtful:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.send_id == send_id, deliveries.c.batch == number)
            .where(deliveries.c.state == DeliveryState.WAITING)
            .values(state=DeliveryState.IN_DOUBT, reason=reason)
        )
        connection.execute(close(send_id, number, BatchState.UNKNOWN, now, reason))
    return doubtful


def _readers(connection: Connection, send_id: int, number: int, list_id: int) -> tuple[Reader, ...]:
    """The batch's waiting readers; those who may not be mailed any more become excluded."""
    rows = connection.execute(
        select(
            deliveries.c.id,
            deliveries.c.subscriber_id,
            subscribers.c.email,
            subscribers.c.name,
            suppressions.c.reason,
            subscriptions.c.status,
        )
        .join_from(deliveries, subscribers)
        .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
        .outerjoin(
            subscriptions,
            and_(
                subscriptions.c.subscriber_id == subscribers.c.id,
                subscriptions.c.list_id == list_id,
            ),
        )
        .where(deliveries.c.send_id == send_id, deliveries.c.batch == number)
        .where(deliveries.c.state == DeliveryState.WAITING)
        .order_by(deliveries.c.id)
    ).all()
    reasons = {row.id: reason for row in rows if (reason := _unfit(row))}
    mark(connection, reasons, DeliveryState.EXCLUDED, reasons)
    return tuple(
        Reader(row.id, row.subscriber_id, row.email, row.name)
        for row in rows
        if row.id not in reasons
    )


def _unfit(row: Any) -> str | None:
    if row.reason or not row.email:
        return row.reason or "the address is gone"
    return None if row.status == ACTIVE else "unsubscribed before the issue went out"


def mark(
    connection: Connection, ids: Iterable[int], state: DeliveryState, reasons: Mapping[int, str]
) -> None:
    """Set the state of some deliveries, each with its reason."""
    rows = [{"number": n, "new": state.value, "why": reasons.get(n)} for n in ids]
    if rows:
        connection.execute(_MARK, rows)


def plan_again(
    connection: Connection, send_id: int, ids: list[int], outcome: Outcome, now: datetime
) -> None:
    """New batches for deliveries of which surely nothing went out."""
    if not ids:
        return
    size = -(-len(ids) // 2) if outcome.split else len(ids)
    later = now + timedelta(seconds=outcome.retry_after) if outcome.retry_after else None
    last = connection.scalar(select(func.max(batches.c.number)).where(batches.c.send_id == send_id))
    for index, start_ in enumerate(range(0, len(ids), size), 1):
        number = (last or 0) + index
        connection.execute(
            insert(batches).values(
                send_id=send_id,
                number=number,
                state=BatchState.PLANNED,
                fence=0,
                not_before=later,
                changed_at=now,
            )
        )
        rows = [{"number": n, "batch_number": number} for n in ids[start_ : start_ + size]]
        connection.execute(_MOVE, rows)


def close(
    send_id: int, number: int, state: BatchState, now: datetime, reason: str | None = None
) -> Update:
    """The end of an attempt."""
    return (
        update(batches)
        .where(this(send_id, number))
        .values(state=state, owner=None, lease_until=None, reason=reason, changed_at=now)
    )


def this(send_id: int, number: int) -> ColumnElement[bool]:
    """One batch of a send."""
    return and_(batches.c.send_id == send_id, batches.c.number == number)
