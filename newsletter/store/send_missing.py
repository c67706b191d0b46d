"""Resume a finished send for the readers who did not get it, with its frozen bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, literal, select, update

from newsletter.store.mailable import may_be_mailed
from newsletter.store.schema import batches, deliveries, sends, subscribers
from newsletter.store.sends import DeliveryState, FrozenSend, SendState, set_state, update_eligible
from newsletter.store.transitions import planned_batch

_NOT_RECEIVED = (DeliveryState.EXCLUDED, DeliveryState.REJECTED)


def count(connection: Connection, frozen: FrozenSend) -> int:
    """How many people who may be mailed now did not get it: new, excluded and rejected readers.

    Readers in doubt do not count: a person decides about those.
    """
    return sum(
        connection.scalar(select(func.count()).select_from(people.subquery())) or 0
        for people in (_new(frozen), _undelivered(frozen))
    )


def resume(connection: Connection, frozen: FrozenSend, batch_size: int, now: datetime) -> None:
    """Resume a finished send for them, unless another process has done so."""
    state = connection.scalar(
        select(sends.c.state).where(sends.c.id == frozen.send.id).with_for_update()
    )
    if state in {SendState.DONE, SendState.CANCELLED}:
        plan(connection, frozen, batch_size, now)
        set_state(connection, frozen.send.id, SendState.SENDING, now)


def plan(connection: Connection, frozen: FrozenSend, batch_size: int, now: datetime) -> int:
    """Plan new batches for them; returns how many wait."""
    send_id = frozen.send.id
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(_undelivered(frozen)))
        .values(state=DeliveryState.WAITING, reason=None, batch=None)
    )
    new = _new(frozen).subquery()
    columns = ["send_id", "subscriber_id", "state"]
    rows = select(literal(send_id), new.c.id, literal(DeliveryState.WAITING.value))
    connection.execute(insert(deliveries).from_select(columns, rows))
    waiting = connection.scalar(select(func.count()).where(_without_batch(send_id))) or 0
    last = connection.scalar(select(func.max(batches.c.number)).where(batches.c.send_id == send_id))
    number = last or 0
    while ids := connection.scalars(_unplanned(send_id).limit(batch_size)).all():
        number += 1
        connection.execute(insert(batches).values(planned_batch(send_id, number, now)))
        connection.execute(
            update(deliveries)
            .where(_without_batch(send_id), deliveries.c.id <= ids[-1])
            .values(batch=number)
        )
    update_eligible(connection, send_id)
    return waiting


def _without_batch(send_id: int) -> Any:
    return and_(
        deliveries.c.send_id == send_id,
        deliveries.c.state == DeliveryState.WAITING,
        deliveries.c.batch.is_(None),
    )


def _unplanned(send_id: int) -> Any:
    return select(deliveries.c.id).where(_without_batch(send_id)).order_by(deliveries.c.id)


def _new(frozen: FrozenSend) -> Any:
    planned = select(deliveries.c.id).where(
        deliveries.c.send_id == frozen.send.id, deliveries.c.subscriber_id == subscribers.c.id
    )
    return may_be_mailed(frozen.list_id).where(~planned.exists())


def _undelivered(frozen: FrozenSend) -> Any:
    return select(deliveries.c.id).where(
        deliveries.c.send_id == frozen.send.id,
        deliveries.c.state.in_(_NOT_RECEIVED),
        deliveries.c.subscriber_id.in_(may_be_mailed(frozen.list_id)),
    )
