"""Who may be mailed: active on the list, with an address, and not suppressed."""

from __future__ import annotations

from sqlalchemy import Connection, ScalarSelect, Select, func, select

from newsletter.store.schema import deliveries, subscribers, subscriptions, suppressions
from newsletter.store.subscribers import ACTIVE, list_named


def may_be_mailed(list_: int | ScalarSelect[int]) -> Select[tuple[int]]:
    """Their numbers as a query."""
    fit = with_reasons(list_).where(suppressions.c.reason.is_(None))
    return fit.with_only_columns(subscribers.c.id)


def with_reasons(list_: int | ScalarSelect[int], of: int | None = None) -> Select[tuple[int, str]]:
    """Everybody active on the list, with the reason for which one is suppressed, as a query.

    ``of``: a send; only those who have what it sent.
    """
    found = (
        select(subscribers.c.id, suppressions.c.reason)
        .join_from(subscriptions, subscribers)
        .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
        .where(
            subscriptions.c.list_id == list_,
            subscriptions.c.status == ACTIVE,
            subscribers.c.email.is_not(None),
        )
    )
    return found if of is None else found.where(subscribers.c.id.in_(got(of)))


def got(send_id: int) -> Select[tuple[int]]:
    """Who has what was sent, as a query: the provider took it for them."""
    return select(deliveries.c.subscriber_id).where(
        deliveries.c.send_id == send_id, deliveries.c.state == "accepted"
    )


def count_of(connection: Connection, list_name: str, send_id: int) -> int:
    """How many of those who have it may be mailed on the list now."""
    found = may_be_mailed(list_named(list_name))
    of_them = found.where(subscribers.c.id.in_(got(send_id))).subquery()
    return connection.scalar(select(func.count()).select_from(of_them)) or 0


def count(connection: Connection, list_name: str) -> int:
    """How many may be mailed on the list of that name."""
    found = may_be_mailed(list_named(list_name)).subquery()
    return connection.scalar(select(func.count()).select_from(found)) or 0
