"""The ledger of a send: claims, leases and outcomes, so that nobody gets it twice.

A batch is claimed by compare-and-set on its fence. What may have reached the provider without an
answer (a lease that ended in SUBMITTING) is in doubt, and never goes out again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, or_, select, update

from newsletter.model import Answer, Outcome
from newsletter.store.schema import (
    batches,
    deliveries,
    sends,
    subscribers,
    subscriptions,
    suppressions,
)
from newsletter.store.sends import BatchState, DeliveryState
from newsletter.store.subscribers import ACTIVE
from newsletter.store.transitions import OPEN, close, mark, move_all, plan_again, quiet, this

LEASE = timedelta(seconds=90)  # longer than any provider's time limit for one request

_STATES = {
    Answer.ACCEPTED: DeliveryState.ACCEPTED,
    Answer.REJECTED: DeliveryState.REJECTED,
    Answer.UNKNOWN: DeliveryState.IN_DOUBT,
    Answer.NOT_SENT: DeliveryState.WAITING,
}


class Reader(NamedTuple):
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
    connection: Connection,
    send_id: int,
    list_id: int,
    owner: str,
    now: datetime,
    lease: timedelta = LEASE,
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
                lease_until=now + lease,
                not_before=None,
                changed_at=now,
            )
        )
        if taken.rowcount != 1:
            continue
        readers = _readers(connection, send_id, row.number, list_id)
        if readers:
            return Claim(send_id, row.number, row.fence + 1, readers)
        connection.execute(close(send_id, row.number, BatchState.REFUSED, now))


def start(
    connection: Connection,
    held: Claim,
    now: datetime,
    recall_id: str | None = None,
    lease: timedelta = LEASE,
) -> int | None:
    """CLAIMED → SUBMITTING; to be committed before the first byte.

    How many requests the send has begun with this one; None: the batch is not ours any more.
    """
    started = connection.execute(
        update(batches)
        .where(this(held.send_id, held.number), batches.c.fence == held.fence)
        .where(batches.c.state == BatchState.CLAIMED)
        .values(
            state=BatchState.SUBMITTING,
            lease_until=now + lease,
            recall_id=recall_id,
            changed_at=now,
        )
    )
    if started.rowcount != 1:
        return None
    begun = connection.execute(
        update(sends)
        .where(sends.c.id == held.send_id)
        .values(requests=sends.c.requests + 1)
        .returning(sends.c.requests)
    )
    return int(begun.scalar_one())


def record(connection: Connection, held: Claim, outcome: Outcome, now: datetime) -> bool:
    """Write down what the provider answered; False where the claim is not ours any more.

    An answer that comes after the lease still counts: nobody has taken the batch since. What a
    provider's event has settled meanwhile stays as it is.
    """
    states = (BatchState.CLAIMED, BatchState.SUBMITTING, BatchState.UNKNOWN, BatchState.HELD)
    mine = connection.execute(
        update(batches)
        .where(this(held.send_id, held.number), batches.c.fence == held.fence)
        .where(batches.c.state.in_(states))
        .values(reference=outcome.reference, changed_at=now)
        .returning(batches.c.repeated)
    ).one_or_none()
    if mine is None:
        return False
    ids: dict[Answer, list[int]] = {answer: [] for answer in Answer}
    for reader in held.readers:
        ids[outcome.answers.get(reader.delivery, Answer.UNKNOWN)].append(reader.delivery)
    _settle(connection, held, ids, outcome.reasons)
    later = now + timedelta(seconds=outcome.retry_after) if outcome.retry_after else None
    if outcome.throttled and later:
        quiet(connection, held.send_id, later)
    plan_again(
        connection, held.send_id, ids[Answer.NOT_SENT], now, later,
        split=outcome.split, repeated=mine.repeated,
    )  # fmt: skip
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
    late = connection.execute(
        select(batches.c.number, batches.c.state)
        .where(ended, batches.c.state.in_(list(_AFTER)))
        .with_for_update(skip_locked=True)
    ).all()
    doubtful = []
    for number, state in late:
        reason = None
        if state == BatchState.SUBMITTING:
            reason = "the program stopped while it was handing this over"
            doubtful.append(number)
            move_all(connection, send_id, number, DeliveryState.WAITING, DeliveryState.IN_DOUBT)
        connection.execute(close(send_id, number, _AFTER[state], now, reason))
    return doubtful


_AFTER = {
    BatchState.CLAIMED: BatchState.PLANNED,
    BatchState.SUBMITTING: BatchState.UNKNOWN,
    BatchState.RECALLING: BatchState.UNKNOWN,  # asking for it once more does no harm
}


def _settle(
    connection: Connection, held: Claim, ids: Mapping[Answer, list[int]], reasons: Mapping[int, str]
) -> None:
    """The deliveries' states by their answers: in one statement where all have the same."""
    given = [answer for answer in Answer if ids[answer]]
    if given == [Answer.ACCEPTED]:
        for old in OPEN:
            move_all(connection, held.send_id, held.number, old, DeliveryState.ACCEPTED)
        return
    for answer in given:
        told = reasons if answer in {Answer.REJECTED, Answer.UNKNOWN} else {}
        mark(connection, ids[answer], _STATES[answer], told)


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
    readers, reasons = [], {}
    for id_, subscriber, email, name, suppressed, status in rows:
        if suppressed is None and email and status == ACTIVE:
            readers.append(Reader(id_, subscriber, email, name))
        elif suppressed or not email:
            reasons[id_] = suppressed or "the address is gone"
        else:
            reasons[id_] = "unsubscribed before the issue went out"
    mark(connection, reasons, DeliveryState.EXCLUDED, reasons)
    return tuple(readers)
