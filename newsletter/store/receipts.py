"""Receipts: who got an issue, in numbers that add up, and by address."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from newsletter.model import Receipt
from newsletter.store.recalls import last_departure
from newsletter.store.schema import deliveries, subscribers
from newsletter.store.sends import DeliveryState, FrozenSend

_AT_ONCE = 5_000  # rows held in memory


def counts(connection: Connection, send_id: int) -> dict[str, int]:
    """How many deliveries are in each state, every state named."""
    state_counts = [func.count().filter(deliveries.c.state == state) for state in DeliveryState]
    counts = connection.execute(select(*state_counts).where(deliveries.c.send_id == send_id)).one()
    return dict(zip(map(str, DeliveryState), counts, strict=True))


def has_waiting(connection: Connection, send_id: int) -> bool:
    """Whether a delivery of the send is still to come; quicker than counting them."""
    waiting = select(deliveries.c.id).where(
        deliveries.c.send_id == send_id, deliveries.c.state == DeliveryState.WAITING
    )
    return connection.scalar(waiting.limit(1)) is not None


def receipt(connection: Connection, found: FrozenSend) -> Receipt:
    """Who got it, in numbers."""
    counted = counts(connection, found.send.id)
    return Receipt(
        issue=found.issue,
        state=found.state.value,
        eligible=sum(counted.values()),
        reason=found.reason,
        send_at=last_departure(connection, found.send.id),
        **counted,
    )


def addresses(
    connection: Connection, send_id: int, state: DeliveryState
) -> Iterator[tuple[str, str | None]]:
    """The addresses in a state, each with the reason, in their order; as many as there are.

    Who was erased since stands among them, without an address.
    """
    rows = connection.execution_options(yield_per=_AT_ONCE).execute(
        select(subscribers.c.email, deliveries.c.reason)
        .join_from(deliveries, subscribers)
        .where(deliveries.c.send_id == send_id, deliveries.c.state == state)
        .order_by(subscribers.c.email)
    )
    return ((email or "(erased)", reason) for email, reason in rows)
