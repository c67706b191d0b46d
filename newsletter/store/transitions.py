"""The single steps that change batches and deliveries; the ledger combines them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from newsletter.store.schema import batches, deliveries, sends
from newsletter.store.sends import BatchState, DeliveryState, SendState

OPEN = (DeliveryState.WAITING, DeliveryState.IN_DOUBT)  # their outcome is not final yet

_MARK = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("number"), or_(*(deliveries.c.state == s for s in OPEN)))
    .values(state=bindparam("new"), reason=bindparam("why"))
)
_MOVE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("number"), deliveries.c.state == DeliveryState.WAITING)
    .values(batch=bindparam("batch_number"))
)
_MOVE_ALL = (
    update(deliveries)
    .where(deliveries.c.send_id == bindparam("send"), deliveries.c.batch == bindparam("of"))
    .where(deliveries.c.state == bindparam("old"))
    .values(state=bindparam("new"), reason=bindparam("why"))
)
_ACCEPT_ALL = (
    update(deliveries)
    .where(deliveries.c.send_id == bindparam("send"), deliveries.c.batch == bindparam("of"))
    .where(or_(*(deliveries.c.state == state for state in OPEN)))
    .values(state=DeliveryState.ACCEPTED, reason=None)
)
_CLOSE = (
    update(batches)
    .where(batches.c.send_id == bindparam("send"), batches.c.number == bindparam("of"))
    .values(
        state=bindparam("new"),
        owner=None,
        lease_until=None,
        reason=bindparam("why"),
        changed_at=bindparam("now"),
    )
)


def move_deliveries(
    connection: Connection,
    send_id: int,
    number: int,
    old: DeliveryState,
    new: DeliveryState,
    reason: str | None = None,
) -> int:
    """Move the deliveries of a batch from one state to another; returns how many."""
    moved = connection.execute(
        _MOVE_ALL, {"send": send_id, "of": number, "old": old, "new": new, "why": reason}
    )
    return int(moved.rowcount)


def accept_batch(connection: Connection, send_id: int, number: int) -> None:
    """Mark the open deliveries of a batch as accepted."""
    connection.execute(_ACCEPT_ALL, {"send": send_id, "of": number})


def plan_batches(
    connection: Connection,
    send_id: int,
    ids: Sequence[int],
    now: datetime,
    later: datetime | None = None,
    *,
    split: bool = False,
    repeated: bool = False,
) -> None:
    """Plan a new batch (two with ``split``) for waiting deliveries that were surely not sent.

    A send that was done is sending again. ``later``: no claim before that moment. ``repeated``: the
    readers may have got the mail after all.
    """
    if not ids:
        return
    size = -(-len(ids) // 2) if split else len(ids)
    # Two processes must not choose the same number for two batches. Without key_share, two
    # processes that have each changed a batch twice, and so hold a key lock on its send, deadlock.
    send = select(sends.c.id).where(sends.c.id == send_id)
    connection.execute(send.with_for_update(key_share=True))
    reopen = update(sends).where(sends.c.id == send_id, sends.c.state == SendState.DONE)
    connection.execute(reopen.values(state=SendState.SENDING, finished_at=None))
    last = connection.scalar(select(func.max(batches.c.number)).where(batches.c.send_id == send_id))
    for index, first in enumerate(range(0, len(ids), size), 1):
        number = (last or 0) + index
        batch = planned_batch(send_id, number, now, later) | {"repeated": repeated}
        connection.execute(insert(batches).values(batch))
        rows = [{"number": n, "batch_number": number} for n in ids[first : first + size]]
        connection.execute(_MOVE, rows)


def planned_batch(
    send_id: int, number: int, now: datetime, not_before: datetime | None = None
) -> dict[str, Any]:
    """The row of a new batch."""
    return {
        "send_id": send_id,
        "number": number,
        "state": BatchState.PLANNED,
        "fence": 0,
        "not_before": not_before,
        "changed_at": now,
    }


def postpone_planned(connection: Connection, send_id: int, until: datetime) -> None:
    """Let no planned batch be claimed before ``until``, as the provider asked."""
    connection.execute(
        update(batches)
        .where(batches.c.send_id == send_id, batches.c.state == BatchState.PLANNED)
        .where(or_(batches.c.not_before.is_(None), batches.c.not_before < until))
        .values(not_before=until)
    )


def close_batch(
    connection: Connection,
    send_id: int,
    number: int,
    state: BatchState,
    now: datetime,
    reason: str | None = None,
) -> None:
    """End an attempt: the batch gets its final state and loses its lease."""
    batch = {"send": send_id, "of": number}
    connection.execute(_CLOSE, {**batch, "new": state, "why": reason, "now": now})


def is_batch(send_id: int, number: int) -> ColumnElement[bool]:
    """The condition that selects one batch of a send."""
    return and_(batches.c.send_id == send_id, batches.c.number == number)


def mark_deliveries(
    connection: Connection, ids: Iterable[int], state: DeliveryState, reasons: Mapping[int, str]
) -> None:
    """Set the state of open deliveries, each with its reason."""
    rows = [{"number": n, "new": state.value, "why": reasons.get(n)} for n in ids]
    if rows:
        connection.execute(_MARK, rows)
