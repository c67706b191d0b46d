"""Those who did not get an issue: a finished send goes on to them, with its frozen bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, literal, select, update

from newsletter.store.mailable import may_be_mailed
from newsletter.store.schema import batches, deliveries, sends, subscribers
from newsletter.store.sends import DeliveryState, FrozenSend, SendState, set_state, update_eligible
from newsletter.store.transitions import planned_batch

_NOT_GOT = (DeliveryState.EXCLUDED, DeliveryState.REJECTED)


def count(connection: Connection, frozen: FrozenSend) -> int:
    """How many who may be mailed now have not got it: new ones, excluded and rejected ones.

    Who is in doubt is not among them: a person decides about those.
    """
    return sum(
        connection.scalar(select(func.count()).select_from(people.subquery())) or 0
        for people in (_new(frozen), _left_out(frozen))
    )


def resume(connection: Connection, frozen: FrozenSend, batch_size: int, now: datetime) -> None:
    """Let a send that is over go on to them; where another process was quicker, it does already."""
    state = connection.scalar(
        select(sends.c.state).where(sends.c.id == frozen.send.id).with_for_update()
    )
    if state in {SendState.DONE, SendState.CANCELLED}:
        plan(connection, frozen, batch_size, now)
        set_state(connection, frozen.send.id, SendState.SENDING, now)


def plan(connection: Connection, frozen: FrozenSend, batch_size: int, now: datetime) -> int:
    """Make them wait in new batches; how many."""
    send_id = frozen.send.id
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(_left_out(frozen)))
        .values(state=DeliveryState.WAITING, reason=None, batch=None)
    )
    new = _new(frozen).subquery()
    columns = ["send_id", "subscriber_id", "state"]
    rows = select(literal(send_id), new.c.id, literal(DeliveryState.WAITING.value))
    connection.execute(insert(deliveries).from_select(columns, rows))
    waiting = connection.scalar(select(func.count()).where(_loose(send_id))) or 0
    last = connection.scalar(select(func.max(batches.c.number)).where(batches.c.send_id == send_id))
    number = last or 0
    while ids := connection.scalars(_unplanned(send_id).limit(batch_size)).all():
        number += 1
        connection.execute(insert(batches).values(planned_batch(send_id, number, now)))
        connection.execute(
            update(deliveries)
            .where(_loose(send_id), deliveries.c.id <= ids[-1])
            .values(batch=number)
        )
    update_eligible(connection, send_id)
    return waiting


def _loose(send_id: int) -> Any:
    return and_(
        deliveries.c.send_id == send_id,
        deliveries.c.state == DeliveryState.WAITING,
        deliveries.c.batch.is_(None),
    )


def _unplanned(send_id: int) -> Any:
    return select(deliveries.c.id).where(_loose(send_id)).order_by(deliveries.c.id)


def _new(frozen: FrozenSend) -> Any:
    planned_for = select(deliveries.c.id).where(
        deliveries.c.send_id == frozen.send.id, deliveries.c.subscriber_id == subscribers.c.id
    )
    return may_be_mailed(frozen.list_id).where(~planned_for.exists())


def _left_out(frozen: FrozenSend) -> Any:
    return select(deliveries.c.id).where(
        deliveries.c.send_id == frozen.send.id,
        deliveries.c.state.in_(_NOT_GOT),
        deliveries.c.subscriber_id.in_(may_be_mailed(frozen.list_id)),
    )
