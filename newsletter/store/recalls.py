"""Recall batches at the provider before it releases their mails.

A batch in doubt is cancelled there and planned again. If the send is cancelled, accepted batches
are recalled as well. A provider allows few open cancellations. Each stays open until the
release.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select, update

from newsletter.model import Recall
from newsletter.store import doubt
from newsletter.store.ledger import LEASE
from newsletter.store.schema import batches, sends
from newsletter.store.sends import BatchState, DeliveryState
from newsletter.store.transitions import close_batch, is_batch, move_deliveries

LATER = timedelta(seconds=5)  # until the provider is asked again after no answer
_released_at = func.coalesce(batches.c.send_at, sends.c.send_at)
_CLOSED: dict[str, datetime | None] = {"recalled_at": None, "recall_id": None}


@dataclass(frozen=True)
class RecallClaim:
    """A batch that this process asks the provider to drop."""

    send_id: int
    number: int
    fence: int
    recall_id: str
    accepted: bool = False  # before the recall; now it is in doubt


def last_release(connection: Connection, send_id: int) -> datetime | None:
    """When the provider releases the last mails; None if it releases them at once."""
    send_moment = connection.scalar(select(sends.c.send_at).where(sends.c.id == send_id))
    batch_moment = connection.scalar(
        select(func.max(batches.c.send_at)).where(batches.c.send_id == send_id)
    )
    return max((moment for moment in (send_moment, batch_moment) if moment), default=None)


def begin(
    connection: Connection,
    send_id: int,
    now: datetime,
    *,
    margin: timedelta,
    most: int,
    accepted: bool = False,
    lease: timedelta = LEASE,
) -> RecallClaim | None:
    """Claim a batch in doubt (with ``accepted`` any that was handed over) to recall it.

    ``margin``: how long before its release a mail can be recalled. ``most``: cancellations that may
    be open at once, over all sends. None if there is no such batch, or no more can be open.
    """
    states = [BatchState.UNKNOWN]
    if accepted:
        states += [BatchState.ACCEPTED, BatchState.HELD]
    row = connection.execute(
        select(
            batches.c.number,
            batches.c.state,
            batches.c.fence,
            batches.c.recall_id,
            batches.c.recalled_at,
        )
        .join(sends, sends.c.id == batches.c.send_id)
        .where(batches.c.send_id == send_id, batches.c.state.in_(states))
        .where(batches.c.recall_id.is_not(None), _released_at > now + margin)
        .where(or_(batches.c.not_before.is_(None), batches.c.not_before <= now))
        # A batch with an open cancellation needs no second one.
        .order_by(batches.c.recalled_at.is_(None), batches.c.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=batches)
    ).one_or_none()
    if row is None or (row.recalled_at is None and _count_open(connection, now) >= most):
        return None
    claimed = connection.execute(
        update(batches)
        .where(is_batch(send_id, row.number), batches.c.fence == row.fence)
        .where(batches.c.state.in_(states))
        .values(
            state=BatchState.RECALLING,
            fence=row.fence + 1,
            lease_until=now + lease,
            recalled_at=row.recalled_at or now,
            changed_at=now,
        )
    )
    if not claimed.rowcount:
        return None
    accepted = row.state == BatchState.ACCEPTED
    if accepted:
        old, new = DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT
        move_deliveries(connection, send_id, row.number, old, new)
    return RecallClaim(send_id, row.number, row.fence + 1, row.recall_id, accepted)


def end(
    connection: Connection, claim: RecallClaim, answer: Recall, now: datetime, *, again: bool
) -> bool:
    """Record the provider's answer; False if the claim was lost.

    A recalled batch is planned again with ``again``, otherwise its readers are excluded. Without an
    answer the provider is asked again. After a refusal it is not: an accepted batch stays accepted,
    and a batch in doubt is held.
    """
    still_ours = connection.execute(
        update(batches)
        .where(is_batch(claim.send_id, claim.number), batches.c.fence == claim.fence)
        .where(batches.c.state == BatchState.RECALLING)
        .values(changed_at=now)
    )
    if still_ours.rowcount != 1:
        return False
    if answer.confirmed:
        _record_recalled(connection, claim, now, again=again)
        return True
    state, values = BatchState.HELD, _CLOSED
    if answer.again:
        state, values = BatchState.UNKNOWN, {"not_before": now + LATER}
    elif claim.accepted:
        state = BatchState.ACCEPTED
        old, new = DeliveryState.IN_DOUBT, DeliveryState.ACCEPTED
        move_deliveries(connection, claim.send_id, claim.number, old, new)
    close_batch(connection, claim.send_id, claim.number, state, now, answer.reason)
    connection.execute(
        update(batches).where(is_batch(claim.send_id, claim.number)).values(**values)
    )
    return True


def _record_recalled(
    connection: Connection, claim: RecallClaim, now: datetime, *, again: bool
) -> None:
    reason = "taken back before it went out"
    close_batch(connection, claim.send_id, claim.number, BatchState.REFUSED, now, reason)
    if again:
        doubt.plan_doubtful(connection, claim.send_id, claim.number, now)
        return
    old, new = DeliveryState.IN_DOUBT, DeliveryState.EXCLUDED
    move_deliveries(connection, claim.send_id, claim.number, old, new, reason)


def _count_open(connection: Connection, now: datetime) -> int:
    """How many cancellations are open at the provider."""
    count = connection.scalar(
        select(func.count())
        .select_from(batches.join(sends, sends.c.id == batches.c.send_id))
        .where(batches.c.recalled_at.is_not(None), _released_at > now)
    )
    return count or 0
