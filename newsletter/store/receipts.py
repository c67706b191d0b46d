"""Receipts: who got an issue, in numbers that add up, and by address."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from newsletter.model import Receipt
from newsletter.store.recalls import last_release
from newsletter.store.schema import deliveries, subscribers
from newsletter.store.sends import DeliveryState, FrozenSend

_AT_ONCE = 5_000  # rows held in memory


def counts(connection: Connection, send_id: int) -> dict[str, int]:
    """State → how many deliveries are in it, for every state."""
    columns = [func.count().filter(deliveries.c.state == state) for state in DeliveryState]
    row = connection.execute(select(*columns).where(deliveries.c.send_id == send_id)).one()
    return dict(zip(map(str, DeliveryState), row, strict=True))


def has_waiting(connection: Connection, send_id: int) -> bool:
    """Whether a delivery of the send still waits; quicker than counting them."""
    waiting = select(deliveries.c.id).where(
        deliveries.c.send_id == send_id, deliveries.c.state == DeliveryState.WAITING
    )
    return connection.scalar(waiting.limit(1)) is not None


def receipt(connection: Connection, frozen: FrozenSend) -> Receipt:
    """The receipt of a send, in numbers."""
    by_state = counts(connection, frozen.send.id)
    return Receipt(
        issue=frozen.issue,
        state=frozen.state.value,
        eligible=sum(by_state.values()),
        reason=frozen.reason,
        send_at=last_release(connection, frozen.send.id),
        **by_state,
    )


def addresses(
    connection: Connection, send_id: int, state: DeliveryState
) -> Iterator[tuple[str, str | None]]:
    """The addresses in a state, in order, each with the reason or None.

    Readers who were erased since are included as "(erased)".
    """
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(
        select(subscribers.c.email, deliveries.c.reason)
        .join_from(deliveries, subscribers)
        .where(deliveries.c.send_id == send_id, deliveries.c.state == state)
        .order_by(subscribers.c.email)
    )
    return ((email or "(erased)", reason) for email, reason in rows)
