"""Find the delivery that a returned mail belongs to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from newsletter.model import IssueName
from newsletter.store.schema import deliveries, sends, subscribers
from newsletter.store.sends import DeliveryState


class DeliveryRecord(NamedTuple):
    """One delivery, with the data that a returned mail is matched by."""

    delivery: int
    send_id: int
    batch: int | None
    newsletter: str
    issue: IssueName
    hash: str
    list_id: int
    subscriber: int
    email: str | None


def find_by_id(connection: Connection, delivery: int) -> DeliveryRecord | None:
    """The delivery with that id, of any newsletter; None if there is none."""
    row = connection.execute(_records().where(deliveries.c.id == delivery)).one_or_none()
    return DeliveryRecord(*row) if row else None


def find_latest(
    connection: Connection, subscriber: int, since: datetime, until: datetime
) -> DeliveryRecord | None:
    """The person's last delivery of the sends that began between the two moments."""
    row = connection.execute(
        _records()
        .where(
            deliveries.c.subscriber_id == subscriber,
            deliveries.c.state.in_((DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)),
            sends.c.created_at >= since,
            sends.c.created_at <= until,
        )
        .order_by(sends.c.id.desc())
        .limit(1)
    ).one_or_none()
    return DeliveryRecord(*row) if row else None


def _records() -> Select[Any]:
    return (
        select(
            deliveries.c.id,
            deliveries.c.send_id,
            deliveries.c.batch,
            sends.c.newsletter,
            sends.c.issue,
            sends.c.hash,
            sends.c.list_id,
            deliveries.c.subscriber_id,
            subscribers.c.email,
        )
        .join_from(deliveries, sends)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
    )
