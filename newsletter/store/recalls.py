"""Taking batches back at the provider, before it lets their mails go.

What is in doubt is cancelled there and planned anew; of a cancelled send, what was accepted too.
The provider keeps few cancellations open at once, each until the mails would have gone.
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

LATER = timedelta(seconds=5)  # until a provider that did not answer is asked again
_leaves_at = func.coalesce(batches.c.send_at, sends.c.send_at)
_NO_MORE: dict[str, datetime | None] = {"recalled_at": None, "recall_id": None}


@dataclass(frozen=True)
class RecallClaim:
    """One batch that the provider is asked to drop."""

    send_id: int
    number: int
    fence: int
    recall_id: str
    accepted: bool = False  # it was, until it was asked for: from then on that is in doubt


def last_departure(connection: Connection, send_id: int) -> datetime | None:
    """When the provider lets the last mails go that it has; None where it lets them go at once."""
    its_own = connection.scalar(select(sends.c.send_at).where(sends.c.id == send_id))
    late = connection.scalar(
        select(func.max(batches.c.send_at)).where(batches.c.send_id == send_id)
    )
    return max((moment for moment in (its_own, late) if moment), default=None)


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
    """Take a batch in doubt (with ``accepted`` any that was handed over) to be recalled.

    ``margin``: how long before its moment a mail can be taken back; ``most``: cancellations
    that may be open at once, over all sends. None where there is nothing, or no more can be.
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
        .where(batches.c.recall_id.is_not(None), _leaves_at > now + margin)
        .where(or_(batches.c.not_before.is_(None), batches.c.not_before <= now))
        # One for which a cancellation is open already needs no further one.
        .order_by(batches.c.recalled_at.is_(None), batches.c.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=batches)
    ).one_or_none()
    if row is None or (row.recalled_at is None and _open(connection, now) >= most):
        return None
    taken = connection.execute(
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
    if not taken.rowcount:
        return None
    accepted = row.state == BatchState.ACCEPTED
    if accepted:
        old, new = DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT
        move_deliveries(connection, send_id, row.number, old, new)
    return RecallClaim(send_id, row.number, row.fence + 1, row.recall_id, accepted)


def end(
    connection: Connection, held: RecallClaim, answer: Recall, now: datetime, *, again: bool
) -> bool:
    """Write down what the provider said; False where the batch is not ours any more.

    What was taken back is planned anew with ``again``, else excluded. Without an answer it is
    asked for again. What was refused is never asked for again: what was accepted stays so, what
    is in doubt is held.
    """
    mine = connection.execute(
        update(batches)
        .where(is_batch(held.send_id, held.number), batches.c.fence == held.fence)
        .where(batches.c.state == BatchState.RECALLING)
        .values(changed_at=now)
    )
    if mine.rowcount != 1:
        return False
    if answer.confirmed:
        _taken_back(connection, held, now, again=again)
        return True
    state, then = BatchState.HELD, _NO_MORE
    if answer.again:
        state, then = BatchState.UNKNOWN, {"not_before": now + LATER}
    elif held.accepted:
        state = BatchState.ACCEPTED
        old, new = DeliveryState.IN_DOUBT, DeliveryState.ACCEPTED
        move_deliveries(connection, held.send_id, held.number, old, new)
    close_batch(connection, held.send_id, held.number, state, now, answer.reason)
    connection.execute(update(batches).where(is_batch(held.send_id, held.number)).values(**then))
    return True


def _taken_back(connection: Connection, held: RecallClaim, now: datetime, *, again: bool) -> None:
    why = "taken back before it went out"
    close_batch(connection, held.send_id, held.number, BatchState.REFUSED, now, why)
    if again:
        doubt.plan_doubtful(connection, held.send_id, held.number, now)
        return
    old, new = DeliveryState.IN_DOUBT, DeliveryState.EXCLUDED
    move_deliveries(connection, held.send_id, held.number, old, new, why)


def _open(connection: Connection, now: datetime) -> int:
    """The cancellations that the provider still keeps: until the mails would have gone."""
    count = connection.scalar(
        select(func.count())
        .select_from(batches.join(sends, sends.c.id == batches.c.send_id))
        .where(batches.c.recalled_at.is_not(None), _leaves_at > now)
    )
    return count or 0
