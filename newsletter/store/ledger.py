"""The ledger of a send: claims, leases and outcomes, so that no reader gets an issue twice.

A process claims a batch by compare-and-set on its fence. A batch that may have reached the provider
without an answer (its lease ended in SUBMITTING) is in doubt, and is never sent again by itself.
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

# These statements run for every batch of a large send, so they are built once: building one takes
# longer than running it.
_THIS = (batches.c.send_id == bindparam("send"), batches.c.number == bindparam("batch"))
_OURS = (*_THIS, batches.c.fence == bindparam("claim_fence"))
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
    .values(reference=bindparam("answer_reference"), changed_at=bindparam("now"))
    .returning(batches.c.repeated)
)
_EXPIRED_STATE = {
    BatchState.CLAIMED: BatchState.PLANNED,
    BatchState.SUBMITTING: BatchState.UNKNOWN,
    BatchState.RECALLING: BatchState.UNKNOWN,  # asking for it once more does no harm
}
_EXPIRED = (
    select(batches.c.number, batches.c.state)
    .where(batches.c.send_id == bindparam("send"), batches.c.lease_until <= bindparam("now"))
    .where(or_(*(batches.c.state == state for state in _EXPIRED_STATE)))
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
    """The reader of one waiting delivery."""

    delivery: int  # id
    subscriber: int  # id
    email: str
    name: str
    obstacle: str | None = None  # why the reader may not be mailed any more


@dataclass(frozen=True)
class BatchClaim:
    """A batch that this process holds until its lease ends."""

    send_id: int
    number: int
    fence: int
    addressees: tuple[Addressee, ...] = ()  # empty until they are loaded


def claim(
    connection: Connection, send_id: int, owner: str, now: datetime, lease: timedelta = LEASE
) -> BatchClaim | None:
    """Claim the next planned batch; None if none can be claimed now."""
    while True:
        row = connection.execute(_FIRST, {"send": send_id, "now": now}).one_or_none()
        if row is None:
            return None
        batch = {"send": send_id, "batch": row.number, "claim_fence": row.fence}
        claimed = connection.execute(
            _CLAIM, {**batch, "whose": owner, "until": now + lease, "now": now}
        )
        if claimed.rowcount == 1:
            return BatchClaim(send_id, row.number, row.fence + 1)


def load_addressees(
    connection: Connection, claim: BatchClaim, list_id: int
) -> tuple[BatchClaim, dict[int, str]]:
    """The claim with its addressees, and delivery → why its reader must not be mailed any more.

    Those readers were suppressed, erased or unsubscribed since the freeze. This only reads, so no
    writer waits for it.
    """
    rows = connection.execute(
        _READERS, {"send": claim.send_id, "batch": claim.number, "list": list_id}
    )
    readers = [Addressee._make(row) for row in rows.all()]
    reasons = {r.delivery: r.obstacle for r in readers if r.obstacle is not None}
    if reasons:
        readers = [reader for reader in readers if reader.obstacle is None]
    return replace(claim, addressees=tuple(readers)), reasons


def exclude(
    connection: Connection, claim: BatchClaim, reasons: Mapping[int, str], now: datetime
) -> bool:
    """Exclude these deliveries, and close the batch if no addressee is left.

    ``reasons``: delivery → why. Returns False if the claim was lost.
    """
    claimed = and_(is_batch(claim.send_id, claim.number), batches.c.fence == claim.fence)
    still_ours = connection.execute(
        update(batches).where(claimed, batches.c.state == BatchState.CLAIMED).values(changed_at=now)
    )
    if still_ours.rowcount != 1:
        return False
    mark_deliveries(connection, reasons, DeliveryState.EXCLUDED, reasons)
    if not claim.addressees:
        close_batch(connection, claim.send_id, claim.number, BatchState.REFUSED, now)
    return True


def start(
    connection: Connection,
    claim: BatchClaim,
    now: datetime,
    recall_id: str | None = None,
    lease: timedelta = LEASE,
    send_at: datetime | None = None,
) -> int | None:
    """CLAIMED → SUBMITTING. Commit this before the first byte goes out.

    ``send_at``: when the provider releases the mails; None: at once. Returns how many requests
    the send has begun, including this one; None if the claim was lost.
    """
    batch = {"send": claim.send_id, "batch": claim.number, "claim_fence": claim.fence}
    started = connection.execute(
        _START, {**batch, "until": now + lease, "recall": recall_id, "at": send_at, "now": now}
    )
    if started.rowcount != 1:
        return None
    requests = connection.execute(_COUNT, {"send": claim.send_id})
    return int(requests.scalar_one())


def record(connection: Connection, claim: BatchClaim, outcome: Outcome, now: datetime) -> bool:
    """Record what the provider answered; False if the claim was lost.

    An answer after the end of the lease counts if no process has claimed the batch since.
    Deliveries that a provider event settled in the meantime stay as they are.
    """
    batch = {"send": claim.send_id, "batch": claim.number, "claim_fence": claim.fence}
    recorded = connection.execute(
        _RECORD, {**batch, "answer_reference": outcome.reference, "now": now}
    ).one_or_none()
    if recorded is None:
        return False
    ids = _by_answer(claim, outcome)
    _settle(connection, claim, ids, outcome.reasons)
    later = now + timedelta(seconds=outcome.retry_after) if outcome.retry_after else None
    if outcome.throttled and later:
        postpone_planned(connection, claim.send_id, later)
    plan_batches(
        connection, claim.send_id, ids[Answer.NOT_SENT], now, later,
        split=outcome.split, repeated=recorded.repeated,
    )  # fmt: skip
    state = BatchState.ACCEPTED if ids[Answer.ACCEPTED] else BatchState.REFUSED
    if doubtful := ids[Answer.UNKNOWN]:
        state = BatchState.UNKNOWN
    reason = next(iter(outcome.reasons.values()), None)
    if doubtful:
        reason = outcome.reasons.get(doubtful[0], reason)
    close_batch(connection, claim.send_id, claim.number, state, now, reason)
    return True


def expire(connection: Connection, send_id: int, now: datetime) -> list[int]:
    """Release the batches whose lease has ended; returns the numbers of those now in doubt."""
    expired = connection.execute(_EXPIRED, {"send": send_id, "now": now}).all()
    doubtful = []
    for number, state in expired:
        reason = None
        if state == BatchState.SUBMITTING:
            reason = "the program stopped while it was handing this over"
            doubtful.append(number)
            move_deliveries(
                connection, send_id, number, DeliveryState.WAITING, DeliveryState.IN_DOUBT
            )
        close_batch(connection, send_id, number, _EXPIRED_STATE[state], now, reason)
    return doubtful


def _by_answer(claim: BatchClaim, outcome: Outcome) -> dict[Answer, list[int]]:
    """Answer → the deliveries of the batch that got it."""
    numbers = [reader.delivery for reader in claim.addressees]
    answers = [outcome.answers.get(number, Answer.UNKNOWN) for number in numbers]
    ids: dict[Answer, list[int]] = {answer: [] for answer in Answer}
    if answers.count(Answer.ACCEPTED) == len(numbers):  # nearly always, so skip the sorting
        return ids | {Answer.ACCEPTED: numbers}
    for number, answer in zip(numbers, answers, strict=True):
        ids[answer].append(number)
    return ids


def _settle(
    connection: Connection,
    claim: BatchClaim,
    ids: Mapping[Answer, list[int]],
    reasons: Mapping[int, str],
) -> None:
    """Set the deliveries' states by their answers; in one statement if all were accepted."""
    answers = [answer for answer in Answer if ids[answer]]
    if answers == [Answer.ACCEPTED]:
        accept_batch(connection, claim.send_id, claim.number)
        return
    for answer in answers:
        answer_reasons = reasons if answer in {Answer.REJECTED, Answer.UNKNOWN} else {}
        mark_deliveries(connection, ids[answer], _STATES[answer], answer_reasons)
