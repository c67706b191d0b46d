"""Who may be mailed: the one rule, for counts, freezes, claims and readers who missed an issue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    select,
)

from newsletter.store.lists import list_id_query
from newsletter.store.schema import deliveries, subscribers, subscriptions, suppressions
from newsletter.store.subscription_status import ACTIVE

# A person may be mailed who is active on the list, has an address and is not suppressed.
_ACTIVE = subscriptions.c.status == ACTIVE
_HAS_ADDRESS = subscribers.c.email != ""
_NOT_SUPPRESSED = suppressions.c.reason.is_(None)
_SUPPRESSION = suppressions.c.address_key == subscribers.c.address_key

# Why a person must not be mailed; NULL if they may be.
OBSTACLE = case(
    (~_NOT_SUPPRESSED, suppressions.c.reason),
    (and_(_ACTIVE, _HAS_ADDRESS), None),
    (_HAS_ADDRESS, "unsubscribed before the issue went out"),
    else_="the address is gone",
)


def join_obstacles(query: Select[Any], list_: BindParameter[int]) -> Select[Any]:
    """Join a query of subscribers with the tables that ``OBSTACLE`` needs."""
    on_the_list = and_(
        subscriptions.c.subscriber_id == subscribers.c.id, subscriptions.c.list_id == list_
    )
    return query.outerjoin(suppressions, _SUPPRESSION).outerjoin(subscriptions, on_the_list)


def may_be_mailed(list_: int | ScalarSelect[int]) -> Select[tuple[int]]:
    """A query for the ids of the people who may be mailed on the list."""
    return active_subscribers(list_).where(_NOT_SUPPRESSED).with_only_columns(subscribers.c.id)


def active_subscribers(
    list_: int | ScalarSelect[int], recipients_of: int | None = None
) -> Select[tuple[int, str]]:
    """A query for everyone active on the list: id, and why they are suppressed or NULL.

    ``recipients_of``: only those who got that send.
    """
    people = (
        select(subscribers.c.id, suppressions.c.reason)
        .join_from(subscriptions, subscribers)
        .outerjoin(suppressions, _SUPPRESSION)
        .where(subscriptions.c.list_id == list_, _ACTIVE, _HAS_ADDRESS)
    )
    if recipients_of is None:
        return people
    return people.where(subscribers.c.id.in_(_recipients(recipients_of)))


def count(connection: Connection, list_name: str, recipients_of: int | None = None) -> int:
    """How many people may be mailed on the list.

    ``recipients_of``: only those who got that send.
    """
    people = may_be_mailed(list_id_query(list_name))
    if recipients_of is not None:
        people = people.where(subscribers.c.id.in_(_recipients(recipients_of)))
    return connection.scalar(select(func.count()).select_from(people.subquery())) or 0


def _recipients(send_id: int) -> Select[tuple[int]]:
    """A query for the people whose mail of the send the provider accepted."""
    return select(deliveries.c.subscriber_id).where(
        deliveries.c.send_id == send_id, deliveries.c.state == "accepted"
    )
