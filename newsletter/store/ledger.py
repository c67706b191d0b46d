"""The ledger of a send: claims, leases and outcomes, so that nobody gets it twice.

A batch is claimed by compare-and-set on its fence. What may have reached the provider without an
answer (a lease that ended in SUBMITTING) is in doubt, and never goes out again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from newsletter.model import Answer, Outcome
from newsletter.store import mailable
from newsletter.store.schema import (
    batches,
    deliveries,
    sends,
    subscribers,
)
from newsletter.store.sends import BatchState, DeliveryState
from newsletter.store.transitions import (
    accept_batch,
    close_batch,
    is_batch,
    mark_deliveries,
    move_deliveries,
    plan_batches,
    postpone_planned,
)

LEASE = timedelta(seconds=90)  # longer than any provider's time limit for one request

_STATES = {
    Answer.ACCEPTED: DeliveryState.ACCEPTED,
    Answer.REJECTED: DeliveryState.REJECTED,
    Answer.UNKNOWN: DeliveryState.IN_DOUBT,
    Answer.NOT_SENT: DeliveryState.WAITING,
}

# The statements of every batch of a large send are built once: building one takes longer than
# the database does over it.
_THIS = (batches.c.send_id == bindparam("send"), batches.c.number == bindparam("batch"))
_OURS = (*_THIS, batches.c.fence == bindparam("held"))
_FIRST = (
    select(batches.c.number, batches.c.fence)
    .where(batches.c.send_id == bindparam("send"), batches.c.state == BatchState.PLANNED)
    .where(or_(batches.c.not_before.is_(None), batches.c.not_before <= bindparam("now")))
    .order_by(batches.c.number)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(batches)
    .where(*_OURS, batches.c.state == BatchState.PLANNED)
    .values(
        state=BatchState.CLAIMED,
        fence=batches.c.fence + 1,
        owner=bindparam("whose"),
        lease_until=bindparam("until"),
        not_before=None,
        changed_at=bindparam("now"),
    )
)
_START = (
    update(batches)
    .where(*_OURS, batches.c.state == BatchState.CLAIMED)
    .values(
        state=BatchState.SUBMITTING,
        lease_until=bindparam("until"),
        recall_id=bindparam("recall"),
        send_at=bindparam("at"),
        changed_at=bindparam("now"),
    )
)
_COUNT = (
    update(sends)
    .where(sends.c.id == bindparam("send"))
    .values(requests=sends.c.requests + 1)
    .returning(sends.c.requests)
)
_ANSWERABLE = (BatchState.CLAIMED, BatchState.SUBMITTING, BatchState.UNKNOWN, BatchState.HELD)
_RECORD = (
    update(batches)
    .where(*_OURS, or_(*(batches.c.state == state for state in _ANSWERABLE)))
    .values(reference=bindparam("told"), changed_at=bindparam("now"))
    .returning(batches.c.repeated)
)
_AFTER = {
    BatchState.CLAIMED: BatchState.PLANNED,
    BatchState.SUBMITTING: BatchState.UNKNOWN,
    BatchState.RECALLING: BatchState.UNKNOWN,  # asking for it once more does no harm
}
_LATE = (
    select(batches.c.number, batches.c.state)
    .where(batches.c.send_id == bindparam("send"), batches.c.lease_until <= bindparam("now"))
    .where(or_(*(batches.c.state == state for state in _AFTER)))
    .with_for_update(skip_locked=True)
)
_READERS = (
    mailable.join_obstacles(
        select(
            deliveries.c.id,
            deliveries.c.subscriber_id,
            subscribers.c.email,
            subscribers.c.name,
            mailable.OBSTACLE,
        ).join_from(deliveries, subscribers),
        bindparam("list"),
    )
    .where(deliveries.c.send_id == bindparam("send"), deliveries.c.batch == bindparam("batch"))
    .where(deliveries.c.state == DeliveryState.WAITING)
    .order_by(deliveries.c.id)
)


class Addressee(NamedTuple):
    """One waiting delivery of a claimed batch. ``unfit``: why it may not be mailed any more."""

    delivery: int
    subscriber: int
    email: str
    name: str
    unfit: str | None = None


@dataclass(frozen=True)
class BatchClaim:
    """One batch in our hands, until the lease ends; ``readers`` once they are read."""

    send_id: int
    number: int
    fence: int
    addressees: tuple[Addressee, ...] = ()


def claim(
    connection: Connection, send_id: int, owner: str, now: datetime, lease: timedelta = LEASE
) -> BatchClaim | None:
    """Take the next planned batch; None where nothing can be taken now."""
    while True:
        row = connection.execute(_FIRST, {"send": send_id, "now": now}).one_or_none()
        if row is None:
            return None
        mine = {"send": send_id, "batch": row.number, "held": row.fence}
        taken = connection.execute(
            _CLAIM, {**mine, "whose": owner, "until": now + lease, "now": now}
        )
        if taken.rowcount == 1:
            return BatchClaim(send_id, row.number, row.fence + 1)


def load_addressees(
    connection: Connection, held: BatchClaim, list_id: int
) -> tuple[BatchClaim, dict[int, str]]:
    """The claim with its waiting readers; and by delivery why others may not be mailed any more:
    suppressed, erased or unsubscribed since the freeze. Only reads, so nobody waits for it.
    """
    rows = connection.execute(
        _READERS, {"send": held.send_id, "batch": held.number, "list": list_id}
    )
    readers = [Addressee._make(row) for row in rows.all()]
    reasons = {reader.delivery: reader.unfit for reader in readers if reader.unfit is not None}
    if reasons:
        readers = [reader for reader in readers if reader.unfit is None]
    return replace(held, addressees=tuple(readers)), reasons


def exclude(
    connection: Connection, held: BatchClaim, reasons: Mapping[int, str], now: datetime
) -> bool:
    """Leave these deliveries out, and end the batch where nobody is left in it.

    False where the claim is not ours any more.
    """
    mine = and_(is_batch(held.send_id, held.number), batches.c.fence == held.fence)
    kept = connection.execute(
        update(batches).where(mine, batches.c.state == BatchState.CLAIMED).values(changed_at=now)
    )
    if kept.rowcount != 1:
        return False
    mark_deliveries(connection, reasons, DeliveryState.EXCLUDED, reasons)
    if not held.addressees:
        close_batch(connection, held.send_id, held.number, BatchState.REFUSED, now)
    return True


def start(
    connection: Connection,
    held: BatchClaim,
    now: datetime,
    recall_id: str | None = None,
    lease: timedelta = LEASE,
    send_at: datetime | None = None,
) -> int | None:
    """CLAIMED → SUBMITTING; to be committed before the first byte. ``send_at``: when the
    provider lets it go.

    How many requests the send has begun with this one; None: the batch is not ours any more.
    """
    mine = {"send": held.send_id, "batch": held.number, "held": held.fence}
    started = connection.execute(
        _START, {**mine, "until": now + lease, "recall": recall_id, "at": send_at, "now": now}
    )
    if started.rowcount != 1:
        return None
    begun = connection.execute(_COUNT, {"send": held.send_id})
    return int(begun.scalar_one())


def record(connection: Connection, held: BatchClaim, outcome: Outcome, now: datetime) -> bool:
    """Write down what the provider answered; False where the claim is not ours any more.

    An answer that comes after the lease still counts: nobody has taken the batch since. What a
    provider's event has settled meanwhile stays as it is.
    """
    ours = {"send": held.send_id, "batch": held.number, "held": held.fence}
    mine = connection.execute(
        _RECORD, {**ours, "told": outcome.reference, "now": now}
    ).one_or_none()
    if mine is None:
        return False
    ids = _by_answer(held, outcome)
    _settle(connection, held, ids, outcome.reasons)
    later = now + timedelta(seconds=outcome.retry_after) if outcome.retry_after else None
    if outcome.throttled and later:
        postpone_planned(connection, held.send_id, later)
    plan_batches(
        connection, held.send_id, ids[Answer.NOT_SENT], now, later,
        split=outcome.split, repeated=mine.repeated,
    )  # fmt: skip
    state = BatchState.ACCEPTED if ids[Answer.ACCEPTED] else BatchState.REFUSED
    if doubtful := ids[Answer.UNKNOWN]:
        state = BatchState.UNKNOWN
    reason = next(iter(outcome.reasons.values()), None)
    if doubtful:
        reason = outcome.reasons.get(doubtful[0], reason)
    close_batch(connection, held.send_id, held.number, state, now, reason)
    return True


def expire(connection: Connection, send_id: int, now: datetime) -> list[int]:
    """Let go of what a dead process held; the numbers of the batches that are in doubt by it."""
    late = connection.execute(_LATE, {"send": send_id, "now": now}).all()
    doubtful = []
    for number, state in late:
        reason = None
        if state == BatchState.SUBMITTING:
            reason = "the program stopped while it was handing this over"
            doubtful.append(number)
            move_deliveries(
                connection, send_id, number, DeliveryState.WAITING, DeliveryState.IN_DOUBT
            )
        close_batch(connection, send_id, number, _AFTER[state], now, reason)
    return doubtful


def _by_answer(held: BatchClaim, outcome: Outcome) -> dict[Answer, list[int]]:
    """The deliveries of the batch by what was answered for them."""
    numbers = [reader.delivery for reader in held.addressees]
    answers = [outcome.answers.get(number, Answer.UNKNOWN) for number in numbers]
    ids: dict[Answer, list[int]] = {answer: [] for answer in Answer}
    if answers.count(Answer.ACCEPTED) == len(numbers):  # nearly always: nothing is sorted then
        return ids | {Answer.ACCEPTED: numbers}
    for number, answer in zip(numbers, answers, strict=True):
        ids[answer].append(number)
    return ids


def _settle(
    connection: Connection,
    held: BatchClaim,
    ids: Mapping[Answer, list[int]],
    reasons: Mapping[int, str],
) -> None:
    """The deliveries' states by their answers: in one statement where all have the same."""
    given = [answer for answer in Answer if ids[answer]]
    if given == [Answer.ACCEPTED]:
        accept_batch(connection, held.send_id, held.number)
        return
    for answer in given:
        told = reasons if answer in {Answer.REJECTED, Answer.UNKNOWN} else {}
        mark_deliveries(connection, ids[answer], _STATES[answer], told)
